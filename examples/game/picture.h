// The window's picture as a file.
#pragma once

#include <SDL.h>

#include <string>

#include "remote.h"

namespace game {

// What the renderer shows, as a bitmap or a PNG by the file's ending. Returns why not, or "".
std::string save_picture(SDL_Renderer* renderer, int width, int height, const std::string& file,
                         Remote& remote);

}  // namespace game
