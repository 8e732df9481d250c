#include "png_writer.h"

#include <stdio.h>
#include <string.h>

#include <png.h>

int png_writer_write(
  const unsigned char *pixels, unsigned height, unsigned width, unsigned channels,
  unsigned char *file, size_t *size, char message[256]) {
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t room = *size;
  int done = png_image_write_to_memory(
    &image, file, &room, 0, pixels, (png_int_32)(width * channels), NULL);
  *size = room;
  if (!done) snprintf(message, 256, "libpng says: %s", image.message);
  png_image_free(&image);
  return done != 0;
}
