#include "tiff_reader.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tiffio.h>

typedef struct {
  const unsigned char *bytes;
  size_t count, place;
  char *message;
  /// Whether warnings are errors.
  int is_decoding;
  int has_failed;
} Reader;

/// How the samples of a page lie in the file, and what they are.
typedef struct {
  uint16_t photometric, bits, samples, planar;
  /// How many samples of a pixel matter, and whether the last of these is what the others were
  /// multiplied by.
  unsigned used;
  int is_multiplied;
} Layout;

static int refuse(Reader *reader, const char *text) {
  if (!reader->has_failed) snprintf(reader->message, 256, "%s", text);
  reader->has_failed = 1;
  return 0;
}

// MARK: - What libtiff calls

static void report(thandle_t handle, const char *module, const char *format, va_list values) {
  (void)module;
  Reader *reader = handle;
  if (reader == NULL || reader->has_failed) return;
  char text[200];
  vsnprintf(text, sizeof text, format, values);
  snprintf(reader->message, 256, "libtiff says: %s", text);
  reader->has_failed = 1;
}

static void warn(thandle_t handle, const char *module, const char *format, va_list values) {
  Reader *reader = handle;
  if (reader != NULL && reader->is_decoding) report(handle, module, format, values);
}

/// They are the process's, and tell the reads apart by their handles.
static void set_handlers(void) {
  TIFFSetErrorHandler(NULL);
  TIFFSetWarningHandler(NULL);
  TIFFSetErrorHandlerExt(report);
  TIFFSetWarningHandlerExt(warn);
}

static tmsize_t take(thandle_t handle, void *into, tmsize_t count) {
  Reader *reader = handle;
  if (count <= 0 || reader->place >= reader->count) return 0;
  size_t left = reader->count - reader->place;
  size_t taken = (size_t)count < left ? (size_t)count : left;
  memcpy(into, reader->bytes + reader->place, taken);
  reader->place += taken;
  return (tmsize_t)taken;
}

static tmsize_t write_nothing(thandle_t handle, void *from, tmsize_t count) {
  (void)handle, (void)from, (void)count;
  return 0;
}

static toff_t seek(thandle_t handle, toff_t offset, int whence) {
  Reader *reader = handle;
  toff_t base = whence == SEEK_CUR ? reader->place : whence == SEEK_END ? reader->count : 0;
  toff_t place = base + offset;
  if (place > SIZE_MAX / 2) return (toff_t)-1;
  reader->place = (size_t)place;
  return place;
}

static int close_nothing(thandle_t handle) {
  (void)handle;
  return 0;
}

static toff_t size(thandle_t handle) { return ((Reader *)handle)->count; }

static int map(thandle_t handle, void **base, toff_t *count) {
  Reader *reader = handle;
  *base = (void *)(uintptr_t)reader->bytes;
  *count = reader->count;
  return 1;
}

static void unmap(thandle_t handle, void *base, toff_t count) { (void)handle, (void)base, (void)count; }

// MARK: - The header

static int check_compression(TIFF *tiff, Reader *reader, const Layout *layout) {
  uint16_t compression;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
  switch (compression) {
  case COMPRESSION_NONE:
  case COMPRESSION_CCITTRLE:
  case COMPRESSION_CCITTRLEW:
  case COMPRESSION_CCITTFAX3:
  case COMPRESSION_CCITTFAX4:
  case COMPRESSION_LZW:
  case COMPRESSION_ADOBE_DEFLATE:
  case COMPRESSION_DEFLATE:
  case COMPRESSION_PACKBITS:
    if (layout->photometric == PHOTOMETRIC_YCBCR) {
      return refuse(reader, "its colours are YCbCr without JPEG, which is not read; save it as RGB");
    }
    return 1;
  case COMPRESSION_JPEG:
    if (layout->photometric == PHOTOMETRIC_YCBCR) {
      TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    }
    return 1;
  default:
    snprintf(
      reader->message, 256,
      "it is compressed by the method %u, which is not read; none, PackBits, LZW, Deflate, JPEG and "
      "CCITT's are", compression);
    return reader->has_failed = 1, 0;
  }
}

static int read_layout(TIFF *tiff, Reader *reader, TIFFHeader *header, Layout *layout) {
  uint32_t width = 0, height = 0;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
  header->width = width;
  header->height = height;
  uint16_t format, orientation, extra_count = 0, *extras = NULL;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &layout->bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &layout->samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &layout->planar);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &orientation);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &extra_count, &extras);
  header->orientation = orientation;
  if (!TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &layout->photometric)) {
    return refuse(reader, "it doesn't say what its colours are");
  }
  unsigned colours;
  switch (layout->photometric) {
  case PHOTOMETRIC_MINISWHITE:
  case PHOTOMETRIC_MINISBLACK:
  case PHOTOMETRIC_PALETTE:
    colours = 1;
    break;
  case PHOTOMETRIC_RGB:
  case PHOTOMETRIC_YCBCR:
    colours = 3;
    break;
  case PHOTOMETRIC_SEPARATED:
    colours = 4;
    break;
  default:
    snprintf(
      reader->message, 256,
      "its colours are of the kind %u, which is not read; grey, palettes, RGB, YCbCr and CMYK are",
      layout->photometric);
    return reader->has_failed = 1, 0;
  }
  int is_palette = layout->photometric == PHOTOMETRIC_PALETTE;
  unsigned bits = layout->bits;
  int is_whole = format == SAMPLEFORMAT_UINT || format == SAMPLEFORMAT_VOID;
  if (!is_whole || !(bits == 1 || bits == 2 || bits == 4 || bits == 8 || bits == 16)) {
    snprintf(
      reader->message, 256, "its pixels are %s of %u bits; whole numbers of 1, 2, 4, 8 or 16 are read",
      is_whole ? "numbers" : format == SAMPLEFORMAT_INT ? "signed numbers" : "no whole numbers", bits);
    return reader->has_failed = 1, 0;
  }
  if (is_palette && bits == 16) return refuse(reader, "its palette is of 16 bits, which is not read");
  if (layout->samples < colours || layout->samples > 8) {
    return refuse(reader, "its pixels have a number of samples that is not that of their colours");
  }
  header->channels = colours == 1 && !is_palette ? 1 : 3;
  layout->is_multiplied = colours != 4 && !is_palette && layout->samples > colours && extra_count > 0
    && extras[0] == EXTRASAMPLE_ASSOCALPHA;
  layout->used = colours + (layout->is_multiplied ? 1 : 0);
  header->has_more = !TIFFLastDirectory(tiff);
  return check_compression(tiff, reader, layout);
}

// MARK: - The pixels

/// A sample of a row as it is in a byte: spread over 0 to 255, the high byte, or a palette's number.
static unsigned char sample(const unsigned char *row, size_t index, const Layout *layout) {
  unsigned bits = layout->bits;
  if (bits == 8) return row[index];
  if (bits == 16) {
    uint16_t value;
    memcpy(&value, row + 2 * index, 2);
    return (unsigned char)(value >> 8);
  }
  size_t place = index * bits;
  unsigned mask = (1u << bits) - 1;
  unsigned value = row[place / 8] >> (8 - bits - place % 8) & mask;
  return (unsigned char)(layout->photometric == PHOTOMETRIC_PALETTE ? value : value * 255 / mask);
}

/// Takes what matters of one row of a strip or tile, from column `left` on. Of one plane alone where
/// they lie apart.
static void gather(
  const unsigned char *row, size_t left, size_t columns, unsigned plane, const Layout *layout,
  unsigned char *gathered) {
  unsigned used = layout->used;
  unsigned char *into = gathered + left * used;
  if (layout->planar == PLANARCONFIG_SEPARATE) {
    for (size_t x = 0; x < columns; x++) into[x * used + plane] = sample(row, x, layout);
  } else {
    for (size_t x = 0; x < columns; x++) {
      for (unsigned s = 0; s < used; s++) {
        into[x * used + s] = sample(row, x * layout->samples + s, layout);
      }
    }
  }
}

/// The most of a tile, so that no file of a few bytes asks for more.
enum { tile_limit = 1 << 28 };

static int read_plane(
  TIFF *tiff, Reader *reader, const TIFFHeader *header, const Layout *layout, unsigned plane,
  unsigned char *gathered) {
  size_t width = header->width, height = header->height, used = layout->used;
  int is_tiled = TIFFIsTiled(tiff);
  tmsize_t room = is_tiled ? TIFFTileSize(tiff) : TIFFScanlineSize(tiff);
  if (room <= 0 || room > tile_limit) return refuse(reader, "its strips or tiles are empty, or too large");
  unsigned char *buffer = calloc(1, (size_t)room);
  if (buffer == NULL) return refuse(reader, "out of memory");
  int done = 1;
  if (!is_tiled) {
    for (size_t y = 0; done && y < height; y++) {
      done = TIFFReadScanline(tiff, buffer, (uint32_t)y, (uint16_t)plane) == 1;
      gather(buffer, 0, width, plane, layout, gathered + y * width * used);
    }
  } else {
    uint32_t across = 0, down = 0;
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &across);
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &down);
    size_t stride = (size_t)TIFFTileRowSize(tiff);
    if (across == 0 || down == 0 || stride == 0 || stride * down > (size_t)room) {
      done = refuse(reader, "its tiles are empty, or too large");
    }
    for (size_t top = 0; done && top < height; top += down) {
      for (size_t left = 0; done && left < width; left += across) {
        done = TIFFReadTile(tiff, buffer, (uint32_t)left, (uint32_t)top, 0, (uint16_t)plane) >= 0;
        size_t rows = height - top < down ? height - top : down;
        size_t columns = width - left < across ? width - left : across;
        for (size_t y = 0; done && y < rows; y++) {
          gather(
            buffer + y * stride, left, columns, plane, layout, gathered + (top + y) * width * used);
        }
      }
    }
  }
  free(buffer);
  if (!done) refuse(reader, "it ends before its last pixel, or is damaged");
  return done && !reader->has_failed;
}

/// What a colour was before it was multiplied by an alpha.
static unsigned char divided(unsigned value, unsigned alpha) {
  if (alpha == 0) return 0;
  unsigned result = value * 255 / alpha;
  return (unsigned char)(result > 255 ? 255 : result);
}

/// Makes pixels of the samples: red = (255 − c)·(255 − k) / 255, in Pillow's rounding, and so on.
static int convert(
  TIFF *tiff, Reader *reader, const Layout *layout, const unsigned char *gathered, size_t count,
  unsigned channels, unsigned char *pixels) {
  unsigned used = layout->used;
  if (layout->photometric == PHOTOMETRIC_PALETTE) {
    uint16_t *red, *green, *blue;
    if (!TIFFGetField(tiff, TIFFTAG_COLORMAP, &red, &green, &blue)) {
      return refuse(reader, "it has no palette");
    }
    for (size_t i = 0; i < count; i++) {
      pixels[3 * i] = (unsigned char)(red[gathered[i]] >> 8);
      pixels[3 * i + 1] = (unsigned char)(green[gathered[i]] >> 8);
      pixels[3 * i + 2] = (unsigned char)(blue[gathered[i]] >> 8);
    }
    return 1;
  }
  for (size_t i = 0; i < count; i++) {
    const unsigned char *from = gathered + i * used;
    for (unsigned c = 0; c < channels; c++) {
      unsigned char value = from[c];
      if (layout->photometric == PHOTOMETRIC_SEPARATED) {
        unsigned black = 255u - from[3], product = value * black + 128;
        value = (unsigned char)(black - (((product >> 8) + product) >> 8));
      } else {
        if (layout->is_multiplied) value = divided(value, from[used - 1]);
        if (layout->photometric == PHOTOMETRIC_MINISWHITE) value = (unsigned char)~value;
      }
      pixels[i * channels + c] = value;
    }
  }
  return 1;
}

static int read_page(
  TIFF *tiff, Reader *reader, TIFFHeader *header, unsigned char *pixels, size_t room) {
  Layout layout = {0};
  if (!read_layout(tiff, reader, header, &layout)) return 0;
  if (pixels == NULL) return 1;
  size_t count = (size_t)header->width * header->height;
  if (count == 0 || room / header->channels != count || room % header->channels != 0) {
    return refuse(reader, "its sizes are other than they were");
  }
  unsigned char *gathered = calloc(count, layout.used);
  if (gathered == NULL) return refuse(reader, "out of memory");
  reader->is_decoding = 1;
  unsigned planes = layout.planar == PLANARCONFIG_SEPARATE ? layout.used : 1;
  int done = 1;
  for (unsigned plane = 0; done && plane < planes; plane++) {
    done = read_plane(tiff, reader, header, &layout, plane, gathered);
  }
  done = done && convert(tiff, reader, &layout, gathered, count, header->channels, pixels);
  free(gathered);
  return done;
}

int tiff_reader_read(
  const unsigned char *file, size_t count, TIFFHeader *header, unsigned char *pixels, size_t room,
  char message[256]) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, set_handlers);
  memset(header, 0, sizeof *header);
  Reader reader = {.bytes = file, .count = count, .message = message};
  // Mapped, so that what a header announces is read where it lies, and not first allocated.
  TIFF *tiff = TIFFClientOpen(
    "image", "rM", &reader, take, write_nothing, seek, close_nothing, size, map, unmap);
  if (tiff == NULL) return refuse(&reader, "it is damaged");
  // What libtiff says of the header and reads it nonetheless doesn't matter.
  reader.has_failed = 0;
  int done = read_page(tiff, &reader, header, pixels, room);
  TIFFClose(tiff);
  return done;
}
