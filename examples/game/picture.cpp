#include "picture.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "options.h"

namespace game {

namespace {

std::string save_bitmap(SDL_Renderer* renderer, int width, int height, const std::string& file) {
    SDL_Surface* surface =
        SDL_CreateRGBSurfaceWithFormat(0, width, height, 24, SDL_PIXELFORMAT_BGR24);
    const bool is_saved = surface != nullptr &&
                          SDL_RenderReadPixels(renderer, nullptr, SDL_PIXELFORMAT_BGR24,
                                               surface->pixels, surface->pitch) == 0 &&
                          SDL_SaveBMP(surface, file.c_str()) == 0;
    SDL_FreeSurface(surface);
    return is_saved ? "" : SDL_GetError();
}

std::string save_png(SDL_Renderer* renderer, int width, int height, const std::string& file,
                     Remote& remote) {
    std::vector<uint8_t> rgb(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
    if (SDL_RenderReadPixels(renderer, nullptr, SDL_PIXELFORMAT_RGB24, rgb.data(), width * 3) !=
        0) {
        return SDL_GetError();
    }
    std::vector<uint8_t> png;
    std::string why_not;
    if (!remote.encode_png(rgb, width, height, png, why_not)) return why_not;
    std::FILE* out = std::fopen(file.c_str(), "wb");
    if (out == nullptr) return std::strerror(errno);
    const bool is_written = std::fwrite(png.data(), 1, png.size(), out) == png.size();
    const bool is_closed = std::fclose(out) == 0;
    return is_written && is_closed ? "" : std::strerror(errno);
}

}  // namespace

std::string save_picture(SDL_Renderer* renderer, int width, int height, const std::string& file,
                         Remote& remote) {
    return ends_in(file, ".png") ? save_png(renderer, width, height, file, remote)
                                 : save_bitmap(renderer, width, height, file);
}

}  // namespace game
