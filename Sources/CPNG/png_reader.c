#include "png_reader.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <png.h>

/// All that a read has. It belongs to the caller of the function that `setjmp` returns into, so that
/// none of it is lost by the jump.
typedef struct {
  jmp_buf back;
  png_structp png;
  png_infop info;
  /// What of the file is still to be read.
  const unsigned char *bytes;
  size_t left;
  char *message;
} Reader;

static void fail(png_structp png, png_const_charp text) {
  Reader *reader = png_get_error_ptr(png);
  snprintf(reader->message, 256, "libpng says: %s", text);
  longjmp(reader->back, 1);
}

static void warn(png_structp png, png_const_charp text) {
  static const char *const harmless[] = {
    "Too much image data", "Extra compressed data", "ignored in grayscale PNG"};
  for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
    if (strstr(text, harmless[i])) return;
  }
  fail(png, text);
}

static void take(png_structp png, png_bytep into, size_t count) {
  Reader *reader = png_get_io_ptr(png);
  if (count > reader->left) png_error(png, "the file ends too soon");
  memcpy(into, reader->bytes, count);
  reader->bytes += count;
  reader->left -= count;
}

/// Replaces the indices that are the last `count` bytes of 3·count by the colours that they stand for,
/// from the first on: none is overwritten before it is read.
static void look_up(Reader *reader, unsigned char *pixels, size_t count, size_t width) {
  png_colorp palette = NULL;
  int colours = 0;
  png_get_PLTE(reader->png, reader->info, &palette, &colours);
  const unsigned char *indices = pixels + 2 * count;
  for (size_t i = 0; i < count; i++) {
    unsigned index = indices[i];
    if (index >= (unsigned)colours) {
      snprintf(
        reader->message, 256, "pixel %zu of row %zu is of colour %u; its palette (PLTE) has %d",
        i % width, i / width, index, colours);
      longjmp(reader->back, 1);
    }
    pixels[3 * i] = palette[index].red;
    pixels[3 * i + 1] = palette[index].green;
    pixels[3 * i + 2] = palette[index].blue;
  }
}

static int decode(Reader *reader, unsigned char *pixels, size_t count) {
  if (setjmp(reader->back)) return 0;
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, fail, warn);
  reader->png = png;
  png_infop info = png ? png_create_info_struct(png) : NULL;
  reader->info = info;
  if (!info) {
    snprintf(reader->message, 256, "out of memory");
    return 0;
  }
  png_set_read_fn(png, reader, take);
  // The caller has limits of its own, and what isn't looked at may have any size.
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_chunk_malloc_max(png, 0);
  // Some encoders understate how far their streams look back.
  png_set_option(png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
  // Only what holds the pixels is looked at: all other chunks that libpng knows, then transparency.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, (png_const_bytep) "tRNS", 1);
  png_read_info(png, info);
  size_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
  int type = png_get_color_type(png, info);
  size_t channels = type & PNG_COLOR_MASK_COLOR ? 3 : 1;
  if (count / channels / width != height || count % (channels * width) != 0) {
    png_error(png, "its sizes are other than they were");
  }
  int looks_up = type == PNG_COLOR_TYPE_PALETTE;
  if (looks_up) {
    png_set_packing(png);
  } else if (channels == 1) {
    png_set_expand_gray_1_2_4_to_8(png);
  }
  png_set_strip_16(png);
  png_set_strip_alpha(png);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  size_t stride = looks_up ? width : channels * width;
  if (png_get_rowbytes(png, info) != stride) png_error(png, "its rows have another size");
  unsigned char *rows = pixels + (looks_up ? 2 * height * width : 0);
  for (int pass = 0; pass < passes; pass++) {
    for (size_t y = 0; y < height; y++) png_read_row(png, rows + y * stride, NULL);
  }
  if (looks_up) look_up(reader, pixels, height * width, width);
  return 1;
}

int png_reader_read(
  const unsigned char *file, size_t size, unsigned char *pixels, size_t count, char message[256]) {
  Reader reader;
  memset(&reader, 0, sizeof reader);
  reader.bytes = file;
  reader.left = size;
  reader.message = message;
  int done = decode(&reader, pixels, count);
  png_destroy_read_struct(&reader.png, &reader.info, NULL);
  return done;
}
