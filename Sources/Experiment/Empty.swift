// See DESIGN: replaced by the first real file.
