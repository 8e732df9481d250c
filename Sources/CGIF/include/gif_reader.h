#pragma once
#include <stddef.h>

// GIF files by giflib. Nothing of what is passed is kept after a call.

typedef struct {
  unsigned height, width;
  /// 1 where the first picture's colours are the greys of their numbers, else 3.
  unsigned channels;
  /// Whether there are more pictures than the first.
  int has_more;
} GIFHeader;

/// Reads a file's sizes, and, where `pixels` isn't null, its first picture into height·width·channels
/// bytes. What the picture leaves free of the screen has the transparent colour or, without one, the
/// first; the screen grows where the picture is larger, as in Pillow.
///
/// 0, and a message of at most 255 bytes, where it fails, or where `room` isn't the number of bytes.
/// A pixel that the palette doesn't have is an error, unless it is transparent: then it is black.
int gif_reader_read(
  const unsigned char *file, size_t count, GIFHeader *header, unsigned char *pixels, size_t room,
  char message[256]);
