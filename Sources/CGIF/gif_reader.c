#include "gif_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gif_lib.h>

typedef struct {
  /// What of the file is still to be read.
  const unsigned char *bytes;
  size_t left;
} Source;

static int take(GifFileType *gif, GifByteType *into, int count) {
  Source *source = gif->UserData;
  size_t taken = (size_t)count < source->left ? (size_t)count : source->left;
  memcpy(into, source->bytes, taken);
  source->bytes += taken;
  source->left -= taken;
  return (int)taken;
}

static int refuse(char *message, const char *text) {
  snprintf(message, 256, "%s", text);
  return 0;
}

static int fail(const GifFileType *gif, char *message) {
  const char *text = GifErrorString(gif->Error);
  snprintf(message, 256, "giflib says: %s", text ? text : "it cannot be read");
  return 0;
}

/// Reads on until a picture begins. 1 where one does, 0 where the file ends before, -1 for an error;
/// the number of its transparent colour, if it has one, else -1.
static int next_picture(GifFileType *gif, int *transparent) {
  *transparent = -1;
  GifRecordType type;
  while (DGifGetRecordType(gif, &type) == GIF_OK) {
    if (type == TERMINATE_RECORD_TYPE) return 0;
    if (type == IMAGE_DESC_RECORD_TYPE) return DGifGetImageDesc(gif) == GIF_OK ? 1 : -1;
    int code;
    GifByteType *block;
    if (DGifGetExtension(gif, &code, &block) != GIF_OK) return -1;
    while (block != NULL) {
      if (code == GRAPHICS_EXT_FUNC_CODE) {
        GraphicsControlBlock control;
        if (DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK) {
          *transparent = control.TransparentColor;
        }
      }
      if (DGifGetExtensionNext(gif, &block) != GIF_OK) return -1;
    }
  }
  return -1;
}

/// Passes the picture's coded bytes over.
static int pass_over(GifFileType *gif) {
  int size;
  GifByteType *block;
  if (DGifGetCode(gif, &size, &block) != GIF_OK) return 0;
  while (block != NULL) {
    if (DGifGetCodeNext(gif, &block) != GIF_OK) return 0;
  }
  return 1;
}

static int is_grey(const ColorMapObject *map) {
  for (int i = 0; i < map->ColorCount; i++) {
    GifColorType colour = map->Colors[i];
    if (colour.Red != i || colour.Green != i || colour.Blue != i) return 0;
  }
  return 1;
}

static void paint(
  const ColorMapObject *map, unsigned index, unsigned channels, unsigned char *pixel) {
  if (channels == 1) {
    *pixel = (unsigned char)index;
  } else if (index >= (unsigned)map->ColorCount) {
    // The transparent colour need not be in the palette: black, as in Pillow.
    memset(pixel, 0, 3);
  } else {
    pixel[0] = map->Colors[index].Red;
    pixel[1] = map->Colors[index].Green;
    pixel[2] = map->Colors[index].Blue;
  }
}

static int decode(
  GifFileType *gif, const ColorMapObject *map, const GIFHeader *header, int transparent,
  unsigned char *pixels, size_t room, char *message) {
  size_t width = header->width, height = header->height, channels = header->channels;
  if (room != width * height * channels) return refuse(message, "its sizes are other than they were");
  const GifImageDesc *picture = &gif->Image;
  unsigned colours = map ? (unsigned)map->ColorCount : 256;
  size_t columns = (size_t)picture->Width, rows = (size_t)picture->Height;
  if (columns < width || rows < height) {
    unsigned index = transparent >= 0 ? (unsigned)transparent : 0;
    for (size_t i = 0; i < width * height; i++) paint(map, index, channels, pixels + i * channels);
  }
  GifPixelType *line = malloc(columns);
  if (line == NULL) return refuse(message, "out of memory");
  static const size_t first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
  int done = 1;
  for (int pass = 0; done && pass < (picture->Interlace ? 4 : 1); pass++) {
    size_t by = picture->Interlace ? step[pass] : 1;
    for (size_t y = picture->Interlace ? first[pass] : 0; done && y < rows; y += by) {
      if (DGifGetLine(gif, line, (int)columns) != GIF_OK) {
        done = fail(gif, message);
        break;
      }
      unsigned char *row =
        pixels + (((size_t)picture->Top + y) * width + (size_t)picture->Left) * channels;
      for (size_t x = 0; x < columns; x++) {
        if (line[x] >= colours && line[x] != transparent) {
          snprintf(
            message, 256, "pixel %zu of row %zu is of colour %u; its palette has %u", x, y, line[x],
            colours);
          done = 0;
          break;
        }
        paint(map, line[x], channels, row + x * channels);
      }
    }
  }
  free(line);
  return done;
}

static int read_first(
  GifFileType *gif, GIFHeader *header, unsigned char *pixels, size_t room, char *message) {
  int transparent;
  int found = next_picture(gif, &transparent);
  if (found <= 0) return found < 0 ? fail(gif, message) : refuse(message, "it holds no picture");
  const GifImageDesc *picture = &gif->Image;
  if (picture->Width <= 0 || picture->Height <= 0 || picture->Left < 0 || picture->Top < 0) {
    return refuse(message, "its first picture is empty");
  }
  unsigned right = (unsigned)picture->Left + (unsigned)picture->Width;
  unsigned bottom = (unsigned)picture->Top + (unsigned)picture->Height;
  header->width = right > (unsigned)gif->SWidth ? right : (unsigned)gif->SWidth;
  header->height = bottom > (unsigned)gif->SHeight ? bottom : (unsigned)gif->SHeight;
  const ColorMapObject *map = picture->ColorMap ? picture->ColorMap : gif->SColorMap;
  header->channels = map == NULL || is_grey(map) ? 1 : 3;
  if (pixels != NULL) return decode(gif, map, header, transparent, pixels, room, message);
  // What is damaged after the first picture doesn't matter to it.
  header->has_more = pass_over(gif) && next_picture(gif, &transparent) == 1;
  return 1;
}

int gif_reader_read(
  const unsigned char *file, size_t count, GIFHeader *header, unsigned char *pixels, size_t room,
  char message[256]) {
  memset(header, 0, sizeof *header);
  Source source = {.bytes = file, .left = count};
  int code = 0;
  GifFileType *gif = DGifOpen(&source, take, &code);
  if (gif == NULL) {
    const char *text = GifErrorString(code);
    snprintf(message, 256, "giflib says: %s", text ? text : "it cannot be read");
    return 0;
  }
  int done = read_first(gif, header, pixels, room, message);
  DGifCloseFile(gif, &code);
  return done;
}
