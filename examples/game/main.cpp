// courtyard: a small game whose shadows, reflections, debris and paths other machines compute.
//
// Arrows or WASD roll the ball, space shoots. 1 to 4 switch an effect on and off, O all of them,
// Esc ends.
#include <SDL.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstring>

#include "figures.h"
#include "hud.h"
#include "options.h"
#include "picture.h"
#include "remote.h"
#include "view.h"
#include "world.h"

namespace {

using namespace game;

// As the p2c2r program has them.
constexpr int kExitSomeFailed = 1;  // a picture could not be written
constexpr int kExitUsage = 2;
constexpr int kExitUnreachable = 3;  // no coordinator in the whole run, or no window

// Where SDL finds no display it draws into memory, for nobody; that is right only where it was
// asked for by name. "": there is a display, or none is wanted.
std::string no_display() {
    const char* driver = SDL_GetCurrentVideoDriver();
    const bool is_unseen = driver != nullptr && (std::strcmp(driver, "offscreen") == 0 ||
                                                 std::strcmp(driver, "dummy") == 0);
    const char* wanted = SDL_GetHint(SDL_HINT_VIDEODRIVER);
    if (!is_unseen || (wanted != nullptr && std::strstr(wanted, driver) != nullptr)) return "";
    const char* display = SDL_getenv("DISPLAY");
    return display == nullptr || *display == 0
               ? "there is no display (DISPLAY is not set)"
               : "the display '" + std::string(display) + "' (DISPLAY) cannot be opened";
}

Trouble no_window(const std::string& why) {
    return {"no window: " + why +
            "; to play unseen: xvfb-run courtyard ..., or SDL_VIDEODRIVER=dummy"};
}

class Game {
  public:
    explicit Game(const Options& options)
        : options_(options),
          world_(options.seed),
          view_(options.width / options.view_scale, options.height / options.view_scale) {}
    ~Game() {
        SDL_DestroyTexture(texture_);
        SDL_DestroyRenderer(renderer_);
        SDL_DestroyWindow(window_);
    }
    Game(const Game&) = delete;
    Game& operator=(const Game&) = delete;

    Trouble open();
    int run();

  private:
    void press(const std::string& key);
    void take_events();
    Input input() const;
    Camera camera() const;
    void present(const Camera& camera);
    std::vector<std::string> lines();
    bool save(const std::string& file);
    void measure();

    Options options_;
    World world_;
    View view_;
    Remote remote_;
    Hud hud_;
    Figures figures_;
    SDL_Window* window_ = nullptr;
    SDL_Renderer* renderer_ = nullptr;
    SDL_Texture* texture_ = nullptr;
    std::string held_;  // direction that a scheduled key holds
    uint64_t frame_ = 0;
    bool goes_on_ = true;
    int code_ = 0;
    bool shoots_ = false;
    // Of the last half second.
    uint64_t measured_at_ = 0;
    uint64_t measured_frame_ = 0;
    double fps_ = 0;
    double up_mbit_ = 0;
    double down_mbit_ = 0;
    p2c2r_client_stats measured_ = {};
};

Trouble Game::open() {
    if (Trouble trouble = remote_.start(options_.remote, world_)) return trouble;
    if (options_.starts_off) press("o");
    if (SDL_Init(SDL_INIT_VIDEO) != 0) return no_window(SDL_GetError());
    if (const std::string why = no_display(); !why.empty()) return no_window(why);
    window_ = SDL_CreateWindow("P2C2R courtyard", SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED,
                               options_.width, options_.height, 0);
    if (window_ == nullptr) return no_window(SDL_GetError());
    renderer_ =
        SDL_CreateRenderer(window_, -1, options_.remote.is_steady ? SDL_RENDERER_SOFTWARE : 0);
    if (renderer_ == nullptr) return {SDL_GetError()};
    SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "linear");
    texture_ = SDL_CreateTexture(renderer_, SDL_PIXELFORMAT_ARGB8888, SDL_TEXTUREACCESS_STREAMING,
                                 view_.width(), view_.height());
    if (texture_ == nullptr) return {SDL_GetError()};
    if (const std::string trouble = hud_.open(options_.font, 15); !trouble.empty()) {
        std::fprintf(stderr, "courtyard: no text on the screen (%s); --font FILE\n",
                     trouble.c_str());
    }
    return {};
}

void Game::press(const std::string& key) {
    if (key.size() == 1 && key[0] >= '1' && key[0] <= '4') {
        EffectState& state = remote_.state(static_cast<Effect>(key[0] - '1'));
        state.is_on = !state.is_on;
    } else if (key == "o") {
        bool any = false;
        for (int i = 0; i < kEffects; ++i) any = any || remote_.state(static_cast<Effect>(i)).is_on;
        for (int i = 0; i < kEffects; ++i) remote_.state(static_cast<Effect>(i)).is_on = !any;
    } else if (key == "space") {
        shoots_ = true;
    } else if (key == "escape") {
        goes_on_ = false;
    } else {
        held_ = key;  // up, down, left, right, none
    }
}

void Game::take_events() {
    for (const auto& [frame, key] : options_.scheduled_keys) {
        if (frame == frame_) press(key);
    }
    SDL_Event event;
    while (SDL_PollEvent(&event) != 0) {
        if (event.type == SDL_QUIT) goes_on_ = false;
        if (event.type != SDL_KEYDOWN || event.key.repeat != 0) continue;
        switch (event.key.keysym.sym) {
            case SDLK_ESCAPE:
                goes_on_ = false;
                break;
            case SDLK_SPACE:
                shoots_ = true;
                break;
            case SDLK_o:
                press("o");
                break;
            case SDLK_1:
            case SDLK_2:
            case SDLK_3:
            case SDLK_4:
                press(std::string(1, static_cast<char>(event.key.keysym.sym)));
                break;
            default:
                break;
        }
    }
}

Input Game::input() const {
    const Uint8* down = SDL_GetKeyboardState(nullptr);
    const auto is_held = [&](SDL_Scancode a, SDL_Scancode b, const char* scheduled) {
        return down[a] != 0 || down[b] != 0 || held_ == scheduled;
    };
    Input input;
    input.right = static_cast<float>(is_held(SDL_SCANCODE_RIGHT, SDL_SCANCODE_D, "right")) -
                  static_cast<float>(is_held(SDL_SCANCODE_LEFT, SDL_SCANCODE_A, "left"));
    input.forward = static_cast<float>(is_held(SDL_SCANCODE_UP, SDL_SCANCODE_W, "up")) -
                    static_cast<float>(is_held(SDL_SCANCODE_DOWN, SDL_SCANCODE_S, "down"));
    input.shoot = shoots_;
    return input;
}

Camera Game::camera() const {
    const Vec at = world_.player() + Vec{0, 0.5F, -1.5F};
    return Camera::looking(at + Vec{0, 6.5F, 8.0F}, at);
}

// Rates over half a second, as the connection counts them.
void Game::measure() {
    const uint64_t now = p2c2r_now_us();
    if (measured_at_ != 0 && now - measured_at_ < 500'000) return;
    const p2c2r_client_stats stats = remote_.stats();
    if (measured_at_ != 0) {
        const double seconds = static_cast<double>(now - measured_at_) / 1e6;
        fps_ = static_cast<double>(frame_ - measured_frame_) / seconds;
        up_mbit_ = static_cast<double>(stats.bytes_sent - measured_.bytes_sent) * 8e-6 / seconds;
        down_mbit_ =
            static_cast<double>(stats.bytes_received - measured_.bytes_received) * 8e-6 / seconds;
    }
    measured_at_ = now;
    measured_frame_ = frame_;
    measured_ = stats;
}

std::vector<std::string> Game::lines() {
    char text[160];
    std::vector<std::string> lines;
    if (options_.remote.is_steady) {
        std::snprintf(text, sizeof text, "frame %llu (every answer is waited for)",
                      static_cast<unsigned long long>(frame_));
    } else {
        std::snprintf(text, sizeof text, "%5.1f fps   up %.2f  down %.2f Mbit/s", fps_, up_mbit_,
                      down_mbit_);
    }
    lines.emplace_back(text);
    if (const std::string trouble = remote_.connection().note(); !trouble.empty()) {
        lines.push_back(trouble);
    }
    for (int i = 0; i < kEffects; ++i) {
        const EffectState& state = remote_.state(static_cast<Effect>(i));
        if (!state.is_on) {
            std::snprintf(text, sizeof text, "%d %-12s off", i + 1, kEffectNames[i]);
        } else if (!state.trouble.empty()) {
            std::snprintf(text, sizeof text, "%d %-12s %.90s", i + 1, kEffectNames[i],
                          state.trouble.c_str());
        } else if (state.asked_at == 0) {
            std::snprintf(text, sizeof text, "%d %-12s nothing yet", i + 1, kEffectNames[i]);
        } else {
            const std::string age = counted(frame_ - state.asked_at, "frame") + " old";
            std::snprintf(text, sizeof text, "%d %-12s %-12s  %-14s %6.1f ms", i + 1,
                          kEffectNames[i], source_name(state.source), age.c_str(),
                          options_.remote.is_steady ? 0.0 : state.answer_ms);
        }
        lines.emplace_back(text);
        const LayerPlan* plan = remote_.plan(static_cast<Effect>(i));
        if (state.is_on && plan != nullptr && !plan->text().empty()) {
            lines.push_back("  " + plan->text());
        }
    }
    return lines;
}

void Game::present(const Camera& camera) {
    view_.draw(world_, camera);
    view_.compose(remote_.shadows(), remote_.reflections());
    SDL_UpdateTexture(texture_, nullptr, view_.pixels().data(), view_.width() * 4);
    SDL_RenderCopy(renderer_, texture_, nullptr, nullptr);
    hud_.draw(renderer_, lines());
    for (const auto& [frame, file] : options_.scheduled_screenshots) {
        if (frame == frame_ && !save(file)) {
            code_ = kExitSomeFailed;
            goes_on_ = false;
        }
    }
    SDL_RenderPresent(renderer_);
}

bool Game::save(const std::string& file) {
    const std::string fault =
        save_picture(renderer_, options_.width, options_.height, file, remote_);
    if (!fault.empty()) std::fprintf(stderr, "courtyard: %s: %s\n", file.c_str(), fault.c_str());
    return fault.empty();
}

int Game::run() {
    const uint64_t began = p2c2r_now_us();
    uint64_t due = began;
    while (goes_on_) {
        ++frame_;
        take_events();
        world_.tick(input());
        shoots_ = false;
        const Camera now = camera();
        remote_.update(world_, now, frame_);
        figures_.look(remote_, frame_);
        measure();
        present(now);
        if (options_.frames != 0 && frame_ >= options_.frames) break;
        // 60 frames a second of the game are 60 of the clock; who is too slow does not run after
        // them.
        due = std::max(due + 1'000'000 / 60, p2c2r_now_us() - 100'000);
        const uint64_t clock = p2c2r_now_us();
        if (!options_.remote.is_steady && due > clock) {
            SDL_Delay(static_cast<Uint32>((due - clock) / 1000));
        }
    }
    const double seconds = static_cast<double>(p2c2r_now_us() - began) / 1e6;
    const bool is_reached = remote_.was_reached();
    figures_.print(remote_, frame_, seconds);
    return code_ == 0 && !is_reached ? kExitUnreachable : code_;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app(
        "A small game whose shadows, reflections, debris and paths other machines compute.");
    app.footer(
        "Arrows or WASD: roll. Space: shoot. 1 2 3 4: shadows, reflections, debris, paths on and "
        "off. O: all. Esc: end.");
    CLI::Option* url = app.add_option(
        "--url", options.remote.url,
        "Coordinator, p2c2r:// or p2c2r+plain://; without: this process does it all");
    app.add_option("--pin", options.remote.pin, "Its key pin, for p2c2r:// (p2c2r keys show)")
        ->needs(url);
    app.add_option("--identity", options.remote.identity, "This machine's private key, a PEM file")
        ->needs(url);
    app.add_option("--network", options.remote.network,
                   "Options of the client: {\"fake_down_kbps\": 4000, \"fake_lag_ms\": 20}");
    app.add_option("--width", options.width, "Of the window")->check(CLI::Range(320, 3840));
    app.add_option("--height", options.height, "Of the window")->check(CLI::Range(180, 2160));
    app.add_option("--view-scale", options.view_scale,
                   "The local picture has 1/N of the window's size")
        ->check(CLI::Range(1, 8));
    app.add_option("--layer-width", options.remote.layer_width, "Of shadows and reflections")
        ->check(CLI::Range(64, 3840));
    app.add_option("--layer-height", options.remote.layer_height, "Of shadows and reflections")
        ->check(CLI::Range(64, 2160));
    app.add_option("--frames", options.frames, "End after so many (never)");
    app.add_option("--keys", options.keys, "Keys pressed at frames: 30:up,60:space,90:none,120:o");
    app.add_option("--screenshots", options.screenshots,
                   "Pictures taken at frames: 60:FILE.bmp,90:FILE.png,...");
    app.add_option("--seed", options.seed, "Of the courtyard (7)");
    app.add_option("--font", options.font, "A TrueType font for the text");
    app.add_flag("--off", options.starts_off, "Start with every effect off");
    app.add_flag("--steady", options.remote.is_steady,
                 "Wait for every answer: the same pictures on any machine");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kExitUsage;
    }
    if (const std::string fault = fault_of(options); !fault.empty()) {
        std::fprintf(stderr, "courtyard: %s\n", fault.c_str());
        return kExitUsage;
    }

    int code = 0;
    {
        Game game(options);
        if (const Trouble trouble = game.open()) {
            std::fprintf(stderr, "courtyard: %s\n", trouble.text.c_str());
            code = trouble.is_usage ? kExitUsage : kExitUnreachable;
        } else {
            code = game.run();
        }
    }
    SDL_Quit();
    return code;
}
