#pragma once
#include <stddef.h>

// PNG files by libpng. Its errors are jumps, which Swift cannot make: here they become texts. Nothing of
// what is passed is kept after a call.

/// Decodes a file into height·width·channels bytes, channels being 1 for grey or 3 for red, green and
/// blue, as the file has them. Palettes are looked up; 1, 2 and 4 bits of grey are spread over 0 to 255,
/// of 16 bits the high byte is taken; alpha, transparent colours, gamma and profiles are dropped.
///
/// What libpng only warns of is an error, but for what other readers pass over as well: bytes after the
/// last pixel, and a palette in a grey file. So is a pixel that its palette doesn't have.
///
/// 0, and a message of at most 255 bytes, where it fails, or where `count` isn't the number of bytes.
int png_reader_read(
  const unsigned char *file, size_t size, unsigned char *pixels, size_t count, char message[256]);
