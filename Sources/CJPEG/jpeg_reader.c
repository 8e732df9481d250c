#include "jpeg_reader.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

typedef struct {
  struct jpeg_error_mgr base;
  jmp_buf back;
  char *message;
} Failure;

static void say(j_common_ptr state) {
  Failure *failure = (Failure *)state->err;
  char text[JMSG_LENGTH_MAX];
  failure->base.format_message(state, text);
  snprintf(failure->message, 201, "%s", text);
}

static void fail(j_common_ptr state) {
  say(state);
  longjmp(((Failure *)state->err)->back, 1);
}

// Level −1 is a warning, of bytes that are not as they should be; others tell what is going on.
static void emit(j_common_ptr state, int level) {
  if (level < 0) fail(state);
}

static void silent(j_common_ptr state) { (void)state; }

int jpeg_reader_read(
  const unsigned char *bytes, size_t count, JPEGSize *size, unsigned channels, unsigned char *pixels,
  char message[201]) {
  struct jpeg_decompress_struct state;
  Failure failure;
  memset(&state, 0, sizeof state);
  state.err = jpeg_std_error(&failure.base);
  failure.base.error_exit = fail;
  failure.base.emit_message = emit;
  failure.base.output_message = silent;
  failure.message = message;
  if (setjmp(failure.back)) {
    jpeg_destroy_decompress(&state);
    return 0;
  }
  jpeg_create_decompress(&state);
  jpeg_mem_src(&state, (unsigned char *)bytes, count);
  jpeg_read_header(&state, TRUE);
  size->height = state.image_height;
  size->width = state.image_width;
  size->components = state.num_components;
  if (pixels != NULL) {
    state.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    // A progressive image is held whole until it is decoded; a few hundred MB at our sizes.
    state.mem->max_memory_to_use = 1L << 30;
    jpeg_start_decompress(&state);
    while (state.output_scanline < state.output_height) {
      JSAMPROW row = pixels + (size_t)state.output_scanline * state.output_width * channels;
      jpeg_read_scanlines(&state, &row, 1);
    }
    jpeg_finish_decompress(&state);
  }
  jpeg_destroy_decompress(&state);
  return 1;
}
