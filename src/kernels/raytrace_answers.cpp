#include "kernels/raytrace_answers.h"

#include <vector>

#include "core/crypto.h"
#include "kernels/raytrace_probes.h"
#include "model/value_writer.h"

namespace p2c2r::kernels {

namespace {

constexpr uint32_t kAnswerWidth = 24;
constexpr uint32_t kAnswerHeight = 18;
constexpr uint32_t kAnswerObjects = 24;
constexpr uint32_t kAnswerSide = 3;  // of probes: -y

constexpr RtAnswer kRtAnswers[] = {
    {1, kRtModeColor, "9aa31012eafa45e42d65800d44dd28090f19d680639972dadcd3c0bdc735fc7a"},
    {2, kRtModeColor, "d93432b3fc50ca6e84be1829d2da494e28fe8379463c8465a72941599ad5807e"},
    {3, kRtModeReflections, "1c18b7bf9974e71ce194cba0d14ed1ef3995dd59003255acf4c0f86d9b20e96f"},
    {4, kRtModeLayers, "2f9cb2f5e55c2fadf6453c6ec23955e39915090e24af076d4f5d0f3e90bb6f37"},
    {5, kRtModeShadows, "04abd1fea886d87598d1838eed5fad694b182e24a2ffd7452853833b05f235db"},
    {6, kRtModeProbes, "67600a8a384c1685f40caf5989cef6ba64de81617242eb0cb9fc82b4c459ed57"},
    {6, kRtAnswerGbuffer + kRtModeShadows,
     "e07f363663be0e0a8e21c7c500eccae180bda5bd8b21315a2dc52c6493996182"},
    {7, kRtAnswerGbuffer + kRtModeReflections,
     "4dcc9c1437247c900699c5117ea9065db4e796398bf4b71b405ddc67dd97484a"},
    {8, kRtAnswerGbuffer + kRtModeGather,
     "467fdb8bec691c6eb65f2570630f4decd8095d98842a917f704daf4a728d730e"},
    // Steps of u16 along the camera's direction and shares of log16, which show in colours.
    {24, kRtAnswerGbuffer + kRtModeReflections,
     "353a1604460b506b2d6027f25ee55deedd91af35a14342cac7c1303f578ee3b5"},
    {15, kRtAnswerGbuffer + kRtModeGather,
     "2bd227a0f70055e87c412a7267c160d30d424ffe20fbd19e251aee053683959d"},
};

class Drawer {
  public:
    Drawer(Prng& prng, ValueWriter& writer) : prng_(prng), writer_(writer) {}

    // From low to high in 64ths.
    double number(int low, int high) {
        const auto steps = static_cast<uint64_t>(high - low) * 64 + 1;
        return low + static_cast<double>(prng_.below(steps)) / 64;
    }
    void place(const char* name, int low, int high) {
        writer_.key(name).array(3);
        for (int i = 0; i < 3; ++i) writer_.number(number(low, high));
    }

    void object() {
        const uint64_t kind = prng_.below(16);
        const uint64_t material = prng_.below(8);
        writer_.map(material >= 6 ? 6 : 5);
        if (kind < 8) {
            writer_.key("type").text("sphere");
            place("position", -4, 4);
            writer_.key("radius").number(number(0, 1) + 0.125);
        } else if (kind < 11) {
            writer_.key("type").text("box");
            const double x = number(-4, 3);
            const double y = number(-4, 3);
            const double z = number(-4, 3);
            writer_.key("min").array(3).number(x).number(y).number(z);
            writer_.key("max").array(3);
            writer_.number(x + number(0, 1) + 0.25);
            writer_.number(y + number(0, 1) + 0.25);
            writer_.number(z + number(0, 1) + 0.25);
        } else if (kind < 15) {
            mesh();
        } else {
            writer_.key("type").text("plane");
            place("position", -6, -4);
            writer_.key("normal").array(3).number(number(-1, 1)).number(2).number(number(-1, 1));
        }
        writer_.key("color").array(3);
        for (int i = 0; i < 3; ++i) writer_.number(number(0, 1));
        constexpr const char* kNames[] = {"diffuse", "diffuse", "diffuse",    "diffuse",
                                          "mirror",  "mirror",  "dielectric", "emissive"};
        writer_.key("material").text(kNames[material]);
        if (material == 6) writer_.key("ior").number(1 + number(0, 1));
        if (material == 7) writer_.key("emission").number(number(0, 2));
    }

    // A fan of triangles around a point.
    void mesh() {
        const auto corners = static_cast<uint32_t>(3 + prng_.below(4));
        const double x = number(-4, 4);
        const double y = number(-4, 4);
        const double z = number(-4, 4);
        writer_.key("type").text("mesh");
        writer_.key("vertices").array((corners + 1) * 3).number(x).number(y).number(z);
        for (uint32_t i = 0; i < corners; ++i) {
            writer_.number(x + number(-1, 1)).number(y + number(-1, 1)).number(z + number(-1, 1));
        }
        writer_.key("indices").array(corners);
        for (uint32_t i = 0; i < corners; ++i) {
            writer_.array(3).integer(0).integer(i + 1).integer((i + 1) % corners + 1);
        }
    }

    void light() {
        writer_.map(4);
        place("position", -8, 8);
        writer_.key("color").array(3);
        for (int i = 0; i < 3; ++i) writer_.number(number(0, 1));
        writer_.key("intensity").number(number(0, 1));
        writer_.key("radius").number(prng_.below(2) == 0 ? 0 : number(0, 1));
    }

    uint64_t below(uint64_t end) { return prng_.below(end); }

  private:
    Prng& prng_;
    ValueWriter& writer_;
};

// The scene of `picture`, seen from a grid of probes.
Bytes probe_params(const Bytes& picture) {
    const Value fields(picture.span());
    ValueWriter writer;
    writer.map(8);
    for (const char* name : {"ambient", "background", "lights", "max_bounces", "objects"}) {
        writer.key(name).value(*fields.find(name));
    }
    writer.key("probes").map(3).key("counts").array(3).integer(6).integer(4).integer(3);
    writer.key("max").array(3).integer(5).integer(4).integer(5);
    writer.key("min").array(3).integer(-5).integer(-4).integer(-5);
    writer.key("rays_per_side").integer(16);
    writer.key("seed").value(*fields.find("seed"));
    return writer.take();
}

const char* type_of(uint32_t answer_mode) {
    const uint32_t mode = answer_mode % kRtAnswerGbuffer;
    if (mode == kRtModeProbes || mode == kRtModeGather) return "rt_global_illumination";
    if (mode == kRtModeReflections) return "rt_reflections";
    return mode == kRtModeShadows ? "rt_shadows" : "raytracing";
}

}  // namespace

std::span<const RtAnswer> raytrace_answers() {
    return kRtAnswers;
}

Bytes draw_raytrace_params(Prng& prng, uint32_t width, uint32_t height, uint32_t objects_max) {
    ValueWriter writer;
    Drawer draw(prng, writer);
    writer.map(9);
    writer.key("ambient").number(draw.number(0, 1) / 4);
    writer.key("background").array(3).number(draw.number(0, 1)).number(0.5).number(0.25);
    writer.key("camera").map(4);
    // Around the objects, towards them; now and then along an axis, where a direction has zeros.
    const bool straight = draw.below(4) == 0;
    double eye[3] = {draw.number(-6, 6), draw.number(-3, 6), draw.number(5, 8)};
    if (draw.below(2) == 0) eye[2] = -eye[2];
    writer.key("position").array(3).number(eye[0]).number(eye[1]).number(eye[2]);
    writer.key("direction").array(3);
    writer.number(straight ? 0 : draw.number(-1, 1) - eye[0]);
    writer.number(straight ? 0 : draw.number(-1, 1) - eye[1]);
    writer.number(-eye[2]);
    writer.key("up").array(3).number(0).number(1).number(0);
    writer.key("fov_deg").number(40 + draw.number(0, 60));
    const auto lights = static_cast<uint32_t>(draw.below(4));
    writer.key("lights").array(lights);
    for (uint32_t i = 0; i < lights; ++i) draw.light();
    writer.key("max_bounces").integer(static_cast<int64_t>(draw.below(6)));
    // Mostly some, at times none.
    const auto objects = static_cast<uint32_t>(
        draw.below(16) == 0 ? 0 : objects_max / 4 + draw.below(objects_max - objects_max / 4 + 1));
    writer.key("objects").array(objects);
    for (uint32_t i = 0; i < objects; ++i) draw.object();
    writer.key("resolution").array(2).integer(width).integer(height);
    writer.key("samples_per_pixel").integer(static_cast<int64_t>(1 + draw.below(4)));
    writer.key("seed").integer(static_cast<int64_t>(draw.below(1u << 31)));
    return writer.take();
}

void draw_rt_gbuffer(Prng& prng, RaytraceRequest& request) {
    RtGbuffer gbuffer;
    gbuffer.depth_format = static_cast<RtGbuffer::Depth>(prng.below(3));
    gbuffer.normal_format = static_cast<RtGbuffer::Normal>(prng.below(3));
    gbuffer.along_direction = prng.below(2) == 0;
    gbuffer.range[0] = 0.5;
    gbuffer.range[1] = 16;
    gbuffer.jitter[0] = static_cast<double>(prng.below(129)) / 64 - 1;
    gbuffer.jitter[1] = static_cast<double>(prng.below(129)) / 64 - 1;
    gbuffer.bias = static_cast<double>(prng.below(16)) / 256;
    const bool f32 = gbuffer.depth_format == RtGbuffer::Depth::kF32;
    std::vector<uint8_t> depth;
    std::vector<uint8_t> normal;
    std::vector<uint8_t> reflectivity;
    constexpr uint32_t kNormalBytes[] = {3, 2, 4};
    for (uint64_t pixel = 0; pixel < request.tile.pixels(); ++pixel) {
        const bool hit = prng.below(8) != 0;
        const uint32_t word = f32 ? float_bits(static_cast<float>(1 + prng.below(1023)) / 64)
                                  : static_cast<uint32_t>(1 + prng.below(65535));
        for (uint32_t i = 0; i < (f32 ? 4 : 2); ++i) {
            depth.push_back(static_cast<uint8_t>(hit ? word >> (8 * i) : 0));
        }
        for (uint32_t i = 0; i < kNormalBytes[static_cast<size_t>(gbuffer.normal_format)]; ++i) {
            normal.push_back(static_cast<uint8_t>(i == 0 ? prng.below(255) + 1 : prng.below(256)));
        }
        reflectivity.push_back(static_cast<uint8_t>(prng.below(4) == 0 ? 0 : prng.below(256)));
    }
    gbuffer.depth = depth;
    gbuffer.normal = normal;
    if (prng.below(2) == 0) gbuffer.reflectivity = reflectivity;
    StopLooks nobody;
    append_rt_gbuffer(gbuffer, {request.tile.x, request.tile.y, request.tile.width}, request.frame,
                      nobody);
}

Result<std::string> raytrace_answer_digest(const RtAnswer& answer, const Trace& trace) {
    Prng prng(answer.seed);
    const bool probes = answer.mode == kRtModeProbes;
    Bytes params = draw_raytrace_params(prng, kAnswerWidth, kAnswerHeight, kAnswerObjects);
    if (probes) params = probe_params(params);
    RtSceneCache scenes;
    Result<RaytraceRequest> request = read_raytrace_request(
        probes ? RaytraceKind::kProbes : RaytraceKind::kPicture, params.span(), {}, scenes);
    if (!request) return request.error();
    const uint32_t mode = answer.mode % kRtAnswerGbuffer;
    request->frame[kRtFrameMode] = mode;
    if (answer.mode != mode) draw_rt_gbuffer(prng, *request);
    if (probes) {
        set_probe_side(request->frame, make_probe_directions(request->sample_count), kAnswerSide);
    }
    RtPass pass{request->scene.get(), &request->frame, request->tile, 0, request->sample_count};
    if (mode == kRtModeLayers || mode == kRtModeShadows) pass.sample_count = 1;
    std::vector<uint32_t> words(pass.tile.pixels() * kRtWordsPerPixel);
    if (Result<Done> done = trace(pass, request->scene, words.data()); !done) return done.error();
    std::vector<uint8_t> bytes;
    for (const uint32_t word : words) {
        for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<uint8_t>(word >> (8 * i)));
    }
    return to_hex(sha256(bytes));
}

Result<Done> check_raytrace_answers(const Trace& trace) {
    for (const RtAnswer& answer : kRtAnswers) {
        const Result<std::string> digest = raytrace_answer_digest(answer, trace);
        if (!digest) return digest.error();
        if (*digest == answer.sha256) continue;
        return make_error(Status::kDevice, std::string("the self-test of ") + type_of(answer.mode) +
                                               " failed: scene " + std::to_string(answer.seed) +
                                               " in mode " + std::to_string(answer.mode) +
                                               " gave " + *digest);
    }
    return Done{};
}

Result<Done> check_raytrace_answers(RaytraceGpu& raytrace) {
    return check_raytrace_answers(
        [&](const RtPass& pass, const std::shared_ptr<const RtScene>& scene, uint32_t* words) {
            return raytrace.run(pass, scene, words);
        });
}

}  // namespace p2c2r::kernels
