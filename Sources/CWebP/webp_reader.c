#include "webp_reader.h"

#include <stdio.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

static int refuse(char *message, const char *text) {
  snprintf(message, 256, "%s", text);
  return 0;
}

static void find_exif(WebPDemuxer *demuxer, const unsigned char *file, WebPHeader *header) {
  WebPChunkIterator chunk;
  if (!WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) return;
  header->exif_offset = (size_t)(chunk.chunk.bytes - file);
  header->exif_size = chunk.chunk.size;
  WebPDemuxReleaseChunkIterator(&chunk);
}

static int decode(
  const WebPIterator *frame, const WebPHeader *header, unsigned char *pixels, size_t room,
  char *message) {
  size_t stride = 3 * (size_t)header->width;
  if (room != stride * header->height) return refuse(message, "its sizes are other than they were");
  if (!frame->complete) return refuse(message, "it ends before its last pixel; it is truncated");
  size_t left = (size_t)frame->x_offset, top = (size_t)frame->y_offset;
  if (left + (size_t)frame->width > header->width || top + (size_t)frame->height > header->height) {
    return refuse(message, "its first picture lies outside of its canvas");
  }
  // Its sizes are those of its own header.
  int width, height;
  if (!WebPGetInfo(frame->fragment.bytes, frame->fragment.size, &width, &height)
    || width != frame->width || height != frame->height) {
    return refuse(message, "its sizes contradict each other");
  }
  memset(pixels, 0, room);
  size_t place = top * stride + 3 * left;
  if (!WebPDecodeRGBInto(
        frame->fragment.bytes, frame->fragment.size, pixels + place, room - place, (int)stride)) {
    return refuse(message, "libwebp cannot decode its pixels; it is damaged");
  }
  return 1;
}

int webp_reader_read(
  const unsigned char *file, size_t count, WebPHeader *header, unsigned char *pixels, size_t room,
  char message[256]) {
  memset(header, 0, sizeof *header);
  WebPData data = {.bytes = file, .size = count};
  WebPDemuxer *demuxer = WebPDemux(&data);
  if (demuxer == NULL) {
    return refuse(message, "libwebp finds no whole picture in it; it is damaged or truncated");
  }
  header->width = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH);
  header->height = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT);
  header->frames = WebPDemuxGetI(demuxer, WEBP_FF_FRAME_COUNT);
  find_exif(demuxer, file, header);
  int done = 1;
  WebPIterator frame;
  if (!WebPDemuxGetFrame(demuxer, 1, &frame)) {
    done = refuse(message, "it holds no picture");
  } else {
    if (pixels != NULL) done = decode(&frame, header, pixels, room, message);
    WebPDemuxReleaseIterator(&frame);
  }
  WebPDemuxDelete(demuxer);
  return done;
}
