#pragma once
#include <stddef.h>

/// Encodes 8-bit pixels (height, width, channels), channels being 1 for grey or 3 for red, green and
/// blue. Where `file` is null, only says how large it becomes; else `size` is how much room there is.
///
/// 0, and a message of at most 255 bytes, where it fails.
int png_writer_write(
  const unsigned char *pixels, unsigned height, unsigned width, unsigned channels,
  unsigned char *file, size_t *size, char message[256]);
