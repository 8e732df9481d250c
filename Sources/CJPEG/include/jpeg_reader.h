#pragma once
#include <stddef.h>

// JPEG files by libjpeg. Its errors are jumps, which Swift cannot make: here they become texts.

typedef struct {
  unsigned height, width;
  /// Of the file: 1 for grey, 3 for colour, 4 for CMYK.
  unsigned components;
} JPEGSize;

/// Reads a file's sizes, and, where `pixels` isn't null, decodes it into height·width·channels bytes,
/// channels being 1 for grey or 3 for red, green and blue; by the slow integer DCT and with smooth
/// chroma, libjpeg's defaults. What libjpeg only warns of, such as a file that ends too soon, is an error.
/// 0, and a message of at most 200 bytes, where it fails.
int jpeg_reader_read(
  const unsigned char *bytes, size_t count, JPEGSize *size, unsigned channels, unsigned char *pixels,
  char message[201]);
