#include "hud.h"

#include <algorithm>

namespace game {

Hud::~Hud() {
    if (font_ != nullptr) TTF_CloseFont(font_);
    if (TTF_WasInit() != 0) TTF_Quit();
}

std::string Hud::open(const std::string& font_file, int pixels) {
    if (TTF_Init() != 0) return TTF_GetError();
    font_ = TTF_OpenFont(font_file.c_str(), pixels);
    return font_ != nullptr ? "" : TTF_GetError();
}

void Hud::draw(SDL_Renderer* renderer, const std::vector<std::string>& lines) {
    if (font_ == nullptr) return;
    const int step = TTF_FontLineSkip(font_);
    int widest = 0;
    for (const std::string& line : lines) {
        int width = 0;
        TTF_SizeUTF8(font_, line.c_str(), &width, nullptr);
        widest = std::max(widest, width);
    }
    SDL_SetRenderDrawBlendMode(renderer, SDL_BLENDMODE_BLEND);
    SDL_SetRenderDrawColor(renderer, 0, 0, 0, 150);
    const SDL_Rect panel = {8, 8, widest + 16, step * static_cast<int>(lines.size()) + 12};
    SDL_RenderFillRect(renderer, &panel);
    int y = panel.y + 6;
    for (const std::string& line : lines) {
        SDL_Surface* surface = TTF_RenderUTF8_Blended(font_, line.c_str(), {255, 255, 255, 255});
        SDL_Texture* texture =
            surface != nullptr ? SDL_CreateTextureFromSurface(renderer, surface) : nullptr;
        if (texture != nullptr) {
            const SDL_Rect place = {panel.x + 8, y, surface->w, surface->h};
            SDL_RenderCopy(renderer, texture, nullptr, &place);
        }
        SDL_DestroyTexture(texture);
        SDL_FreeSurface(surface);
        y += step;
    }
}

}  // namespace game
