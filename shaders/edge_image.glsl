// Samples of a packed picture: included by the shaders of the algorithm edge, which declare `image`,
// `slice` and CHANNELS.
int sample_at(uint row_begin, uint at) {
    return int((image[row_begin + (at >> 2)] >> ((at << 3) & 31u)) & 255u);
}

// Word index of the row that stands for row y, which may lie outside.
uint row_at(int y) { return uint(clamp(y, 0, int(slice.source_height) - 1)) * slice.source_stride; }

// First sample of the pixel that stands for column x, which may lie outside.
uint pixel_at(int x) { return uint(clamp(x, 0, int(slice.source_width) - 1)) * CHANNELS; }
