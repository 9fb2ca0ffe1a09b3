// Pictures: a step that captures, upscales and displays, and one by hand.
#include "world.h"

using namespace capi_test;

namespace {

constexpr uint32_t kStepBudgetUs = 30'000'000;

struct Window {
    std::vector<uint8_t> picture = std::vector<uint8_t>(32 * 16 * 4, 0x40);
    bool has_frame = true;
    int shown = 0;
    uint32_t width = 0;
    uint32_t height = 0;
    int32_t source = -1;
    p2c2r_status inside = P2C2R_OK;
    p2c2r_frames* frames = nullptr;

    static p2c2r_status P2C2R_CALL capture(void* user, p2c2r_image* out) {
        Window& window = *static_cast<Window*>(user);
        CHECK(out->struct_size == sizeof *out);
        if (!window.has_frame) return P2C2R_E_AGAIN;
        out->format = P2C2R_PIXEL_RGBA8;
        out->width = 32;
        out->height = 16;
        out->bytes.data = window.picture.data();
        out->bytes.size = window.picture.size();
        return P2C2R_OK;
    }
    static void P2C2R_CALL display(void* user, const p2c2r_image* image,
                                   const p2c2r_answer* answer) {
        Window& window = *static_cast<Window*>(user);
        ++window.shown;
        window.width = image ? image->width : 0;
        window.height = image ? image->height : 0;
        window.source = answer->source;
        auto nested = sized<p2c2r_answer>();
        window.inside = p2c2r_frames_step(window.frames, 1, &nested);
    }
};

}  // namespace

TEST_CASE("step captures and upscales and displays a picture of the wanted size") {
    for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
        const Runtime runtime = make_runtime(mode);
        const Client client = make_client(runtime.get());
        Window window;
        auto config = sized<p2c2r_frames_config>();
        config.output_width = 64;
        config.output_height = 48;
        config.capture = Window::capture;
        config.display = Window::display;
        config.user = &window;
        p2c2r_frames* made = nullptr;
        REQUIRE(p2c2r_frames_create(client.get(), &config, &made, nullptr) == P2C2R_OK);
        const Frames frames(made);
        window.frames = made;
        auto answer = sized<p2c2r_answer>();
        REQUIRE(p2c2r_frames_step(made, kStepBudgetUs, &answer) == P2C2R_OK);
        const Result owned(answer.result);
        CHECK(answer.source == P2C2R_SOURCE_LOCAL);
        CHECK(window.shown == 1);
        CHECK(window.width == 64);
        CHECK(window.height == 48);
        CHECK(window.source == P2C2R_SOURCE_LOCAL);
        CHECK(window.inside == P2C2R_E_STATE);  // display is a host function
        window.has_frame = false;
        CHECK(p2c2r_frames_step(made, 0, &answer) == P2C2R_E_AGAIN);
        CHECK(answer.result == nullptr);
        CHECK(window.shown == 1);
    }
}

TEST_CASE("what the host gives for a step or as an answer is released when it cannot be used") {
    struct Giver {
        int32_t format = P2C2R_PIXEL_RGBA8;
        uint32_t width = 16;
        bool broken_answer = false;
        int given = 0;
        int released = 0;
        std::vector<uint8_t> picture = std::vector<uint8_t>(16 * 16 * 4);

        p2c2r_bytes give() {
            ++given;
            return {picture.data(), picture.size(),
                    [](void* user, const void*, size_t) { ++static_cast<Giver*>(user)->released; },
                    this};
        }
        static p2c2r_status P2C2R_CALL capture(void* user, p2c2r_image* out) {
            Giver& giver = *static_cast<Giver*>(user);
            out->format = giver.format;
            out->width = giver.width;
            out->height = 16;
            out->bytes = giver.give();
            return P2C2R_OK;
        }
        static p2c2r_status P2C2R_CALL fallback(void* user, uint64_t, uint32_t, p2c2r_bytes* out) {
            Giver& giver = *static_cast<Giver*>(user);
            *out = giver.give();
            if (giver.broken_answer) out->data = nullptr;
            return P2C2R_OK;
        }
    } giver;
    {
        const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
        auto client_config = sized<p2c2r_client_config>();
        client_config.tasks_max = 2;
        p2c2r_client* raw = nullptr;
        REQUIRE(p2c2r_client_create(runtime.get(), &client_config, &raw, nullptr) == P2C2R_OK);
        const Client client(raw);
        auto config = sized<p2c2r_frames_config>();
        config.output_width = 32;
        config.output_height = 32;
        config.capture = Giver::capture;
        config.fallback = Giver::fallback;
        config.flags = P2C2R_FRAMES_NO_PREVIOUS;
        config.user = &giver;
        p2c2r_frames* made = nullptr;
        REQUIRE(p2c2r_frames_create(client.get(), &config, &made, nullptr) == P2C2R_OK);
        const Frames frames(made);
        const auto step = [&] {
            auto answer = sized<p2c2r_answer>();
            const p2c2r_status status = p2c2r_frames_step(made, kStepBudgetUs, &answer);
            p2c2r_result_release(answer.result);
            return status;
        };
        CHECK(step() == P2C2R_OK);
        giver.format = 99;
        CHECK(step() != P2C2R_OK);
        giver.format = P2C2R_PIXEL_RGBA8;
        giver.width = 0;
        CHECK(step() != P2C2R_OK);
        giver.width = 16;
        // No room for one more task, and so no answer but the host's.
        Task task("echo");
        const p2c2r_task one = submit(client.get(), task.desc);
        const p2c2r_task two = submit(client.get(), task.desc);
        CHECK(step() == P2C2R_E_BUSY);
        fetch(client.get(), one);
        fetch(client.get(), two);
        // An answer of the host's that is none.
        task.desc.task_type = "teleport";
        for (const bool broken : {false, true}) {
            giver.broken_answer = broken;
            uint64_t frame = 0;
            REQUIRE(p2c2r_frames_push(made, &task.desc, &frame, nullptr) == P2C2R_OK);
            auto answer = sized<p2c2r_answer>();
            REQUIRE(p2c2r_frames_pull(made, frame, kStepBudgetUs, &answer) == P2C2R_OK);
            CHECK(answer.source == (broken ? P2C2R_SOURCE_NONE : P2C2R_SOURCE_HOST));
            p2c2r_result_release(answer.result);
        }
    }
    CHECK(giver.given == 6);
    CHECK(giver.released == giver.given);
}

TEST_CASE("one frame by hand goes out as upscale and comes back as a view") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    std::vector<uint8_t> picture(32 * 16 * 3, 0x80);
    auto frame = sized<p2c2r_image>();
    frame.format = P2C2R_PIXEL_RGB8;
    frame.width = 32;
    frame.height = 16;
    frame.bytes.data = picture.data();
    frame.bytes.size = picture.size();
    p2c2r_task task = 0;
    p2c2r_error why = {};
    REQUIRE_MESSAGE(p2c2r_client_submit_frame_for_upscaling(
                        client.get(), &frame, 64, 32, P2C2R_QUALITY_FAST, &task, &why) == P2C2R_OK,
                    why.text);
    auto view = sized<p2c2r_image>();
    p2c2r_result* made = nullptr;
    REQUIRE(p2c2r_client_get_upscaled_frame(client.get(), task, kLongUs, &view, &made) == P2C2R_OK);
    const Result result(made);
    CHECK(view.format == P2C2R_PIXEL_RGB8);
    CHECK(view.width == 64);
    CHECK(view.height == 32);
    CHECK(view.bytes.size == 64 * 32 * 3);
    CHECK(std::string(p2c2r_result_text(made, P2C2R_TEXT_ALGORITHM, nullptr)) == "bicubic");

    const auto refused = [&](const char* field, const std::function<void(p2c2r_image&)>& spoil,
                             uint32_t width = 64, int32_t quality = 0) {
        CAPTURE(field);
        p2c2r_image wrong = frame;
        spoil(wrong);
        CHECK(p2c2r_client_submit_frame_for_upscaling(client.get(), &wrong, width, 32, quality,
                                                      &task, &why) < 0);
        CHECK(std::string(why.field) == field);
    };
    refused("bytes", [](auto& image) { image.bytes.size -= 1; });
    refused("stride", [](auto& image) { image.stride = 128; });
    refused("format", [](auto& image) { image.format = 3; });
    refused(
        "width", [](auto&) {}, 0);
    refused(
        "width", [](auto&) {}, 100'000);
    refused(
        "quality", [](auto&) {}, 64, 9);
}
