// Shapes, labels and random numbers are a part of what this module offers: who imports it has them too.
@_exported import Elements
