#pragma once
#include <stddef.h>

// JPEG files by libjpeg. Its errors are jumps, which Swift cannot make: here they become texts. Nothing
// of what is passed is kept after a call.

typedef struct {
  unsigned height, width;
  /// Of the file: 1 for grey, 3 for colour, 4 for CMYK.
  unsigned components;
  /// How often the file goes through its coefficients: more than once where it is progressive.
  unsigned scans;
} JPEGSize;

/// Reads a file's sizes, and, where `pixels` isn't null, decodes it into height·width·channels bytes,
/// channels being 1 for grey or 3 for red, green and blue; by the slow integer DCT and with smooth
/// chroma, libjpeg's defaults. CMYK is taken to be stored inverted, as Adobe's programs do, and made
/// red = (255 − c)·(255 − k) / 255 and so on.
///
/// Of what libjpeg only warns of, superfluous bytes, an unknown version and useless parameters are
/// passed over; the rest is damage, and an error. So is a file that ends before its last pixel.
///
/// A progressive file that lacks its last scans is smoothed, as libjpeg does by default; versions of
/// libjpeg-turbo before 3.0.1 round some of its pixels otherwise than later ones.
///
/// 0, and a message of at most 255 bytes, where it fails.
int jpeg_reader_read(
  const unsigned char *file, size_t count, JPEGSize *size, unsigned channels, unsigned char *pixels,
  char message[256]);
