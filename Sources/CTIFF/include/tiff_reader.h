#pragma once
#include <stddef.h>

// TIFF files by libtiff. Nothing of what is passed is kept after a call.

typedef struct {
  unsigned height, width;
  /// 1 for grey, 3 for all others.
  unsigned channels;
  /// From 1 to 8, as EXIF counts how a picture is held.
  unsigned orientation;
  /// Whether there are more pages than the first.
  int has_more;
} TIFFHeader;

/// Reads a file's sizes, and, where `pixels` isn't null, decodes its first page into
/// height·width·channels bytes: grey, palettes, RGB and CMYK of 1, 2, 4, 8 and 16 bits, in strips or
/// tiles, uncompressed or by PackBits, LZW, Deflate, JPEG or CCITT's codes. Of 16 bits the high byte is
/// taken; transparency is dropped, colours that were multiplied by it are divided. The turn that the
/// header notes isn't carried out.
///
/// Whatever libtiff warns of while it decodes is damage, and an error.
///
/// 0, and a message of at most 255 bytes, where it fails, or where `room` isn't the number of bytes.
int tiff_reader_read(
  const unsigned char *file, size_t count, TIFFHeader *header, unsigned char *pixels, size_t room,
  char message[256]);
