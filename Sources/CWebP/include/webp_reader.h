#pragma once
#include <stddef.h>

// WebP files by libwebp. Nothing of what is passed is kept after a call.

typedef struct {
  unsigned height, width;
  /// How many pictures an animation has; 1 for a still.
  unsigned frames;
  /// Where in the file its EXIF data lies; a size of 0 for none.
  size_t exif_offset, exif_size;
} WebPHeader;

/// Reads a file's sizes, and, where `pixels` isn't null, decodes its first picture into height·width·3
/// bytes: red, green, blue, transparency dropped. Where an animation's first picture leaves some of its
/// canvas free, that is black.
///
/// 0, and a message of at most 255 bytes, where it fails, or where `room` isn't the number of bytes.
int webp_reader_read(
  const unsigned char *file, size_t count, WebPHeader *header, unsigned char *pixels, size_t room,
  char message[256]);
