// Lines of text on the screen.
#pragma once

#include <SDL.h>
#include <SDL_ttf.h>

#include <string>
#include <vector>

namespace game {

class Hud {
  public:
    Hud() = default;
    ~Hud();
    Hud(const Hud&) = delete;
    Hud& operator=(const Hud&) = delete;
    // "" or why there is no text; the game goes on without.
    std::string open(const std::string& font_file, int pixels);
    void draw(SDL_Renderer* renderer, const std::vector<std::string>& lines);

  private:
    TTF_Font* font_ = nullptr;
};

}  // namespace game
