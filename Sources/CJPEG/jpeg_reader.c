#include "jpeg_reader.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

/// All that a read has. It belongs to the caller of the function that `setjmp` returns into, so that
/// none of it is lost by the jump.
typedef struct {
  struct jpeg_decompress_struct state;
  struct jpeg_error_mgr errors;
  struct jpeg_source_mgr source;
  jmp_buf back;
  char *message;
} Reader;

static void refuse(Reader *reader, const char *text) {
  snprintf(reader->message, 256, "%s", text);
  longjmp(reader->back, 1);
}

static void refuse_truncated(Reader *reader) {
  refuse(reader, "it ends before its last pixel; it is truncated");
}

static void fail(j_common_ptr state) {
  Reader *reader = state->client_data;
  // An arithmetic decoder cannot wait for bytes.
  if (state->err->msg_code == JERR_CANT_SUSPEND) refuse_truncated(reader);
  char text[JMSG_LENGTH_MAX];
  state->err->format_message(state, text);
  snprintf(reader->message, 256, "libjpeg says: %s", text);
  longjmp(reader->back, 1);
}

// Level −1 is a warning; others tell what is going on.
static void emit(j_common_ptr state, int level) {
  if (level >= 0) return;
  switch (state->err->msg_code) {
  case JWRN_EXTRANEOUS_DATA:
  case JWRN_ADOBE_XFORM:
  case JWRN_JFIF_MAJOR:
  case JWRN_NOT_SEQUENTIAL:
    return;
  default:
    fail(state);
  }
}

static void say_nothing(j_common_ptr state) { (void)state; }

// The source is the whole file: there is never more to come, which libjpeg takes for a wait. (Its own
// source in memory makes up an end instead, and grey pixels before it.)
static boolean fill(j_decompress_ptr state) {
  (void)state;
  return FALSE;
}

static void skip(j_decompress_ptr state, long count) {
  if (count <= 0) return;
  struct jpeg_source_mgr *source = state->src;
  size_t step = (size_t)count < source->bytes_in_buffer ? (size_t)count : source->bytes_in_buffer;
  source->next_input_byte += step;
  source->bytes_in_buffer -= step;
}

static void do_nothing(j_decompress_ptr state) { (void)state; }

/// Counts the scans before any is decoded (ITU T.81, B.1): markers that start one, between the segments
/// whose lengths are given and the coded bytes, in which 0xFF is followed by 0 or a restart's number.
static unsigned count_scans(const unsigned char *file, size_t count) {
  unsigned scans = 0;
  size_t place = 2;
  while (place + 1 < count) {
    const unsigned char *found = memchr(file + place, 0xFF, count - place - 1);
    if (found == NULL) break;
    unsigned code = found[1];
    place = (size_t)(found - file) + (code == 0xFF ? 1 : 2);
    if (code == 0xD9) break;
    if (code <= 1 || (code >= 0xD0 && code <= 0xD8) || code == 0xFF) continue;
    if (code == 0xDA) scans++;
    if (place + 2 > count) break;
    place += (size_t)file[place] << 8 | file[place + 1];
  }
  return scans;
}

/// A row's four bytes a pixel made three: by their complements c, m, y and k, red = (255 − c)·(255 − k)
/// / 255 in Pillow's rounding.
static void convert_cmyk(const unsigned char *row, unsigned width, unsigned char *pixels) {
  for (unsigned x = 0; x < width; x++) {
    unsigned black = row[4 * x + 3];
    for (unsigned c = 0; c < 3; c++) {
      unsigned product = (255u - row[4 * x + c]) * black + 128;
      pixels[3 * x + c] = (unsigned char)(black - (((product >> 8) + product) >> 8));
    }
  }
}

static int read_file(
  Reader *reader, const unsigned char *file, size_t count, JPEGSize *size, unsigned channels,
  unsigned char *pixels) {
  if (setjmp(reader->back)) return 0;
  j_decompress_ptr state = &reader->state;
  jpeg_create_decompress(state);
  reader->source = (struct jpeg_source_mgr){
    .next_input_byte = file, .bytes_in_buffer = count, .init_source = do_nothing,
    .fill_input_buffer = fill, .skip_input_data = skip,
    .resync_to_restart = jpeg_resync_to_restart, .term_source = do_nothing};
  state->src = &reader->source;
  if (jpeg_read_header(state, TRUE) != JPEG_HEADER_OK) refuse_truncated(reader);
  size->height = state->image_height;
  size->width = state->image_width;
  size->components = state->num_components;
  size->scans = count_scans(file, count);
  if (pixels == NULL) return 1;

  int inks = state->num_components == 4;
  state->out_color_space = inks ? JCS_CMYK : channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  if (!jpeg_start_decompress(state)) refuse_truncated(reader);
  JSAMPARRAY row_of_inks = inks ? state->mem->alloc_sarray(
    (j_common_ptr)state, JPOOL_IMAGE, 4 * state->output_width, 1) : NULL;
  while (state->output_scanline < state->output_height) {
    JSAMPROW row = pixels + (size_t)state->output_scanline * state->output_width * channels;
    if (jpeg_read_scanlines(state, inks ? row_of_inks : &row, 1) != 1) refuse_truncated(reader);
    if (inks) convert_cmyk(row_of_inks[0], state->output_width, row);
  }
  // All pixels are there: the end's marker may be missing.
  jpeg_finish_decompress(state);
  return 1;
}

int jpeg_reader_read(
  const unsigned char *file, size_t count, JPEGSize *size, unsigned channels, unsigned char *pixels,
  char message[256]) {
  Reader reader;
  memset(&reader, 0, sizeof reader);
  reader.message = message;
  reader.state.client_data = &reader;
  reader.state.err = jpeg_std_error(&reader.errors);
  reader.errors.error_exit = fail;
  reader.errors.emit_message = emit;
  reader.errors.output_message = say_nothing;
  int done = read_file(&reader, file, count, size, channels, pixels);
  jpeg_destroy_decompress(&reader.state);
  return done;
}
