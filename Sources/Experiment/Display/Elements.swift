// Who uses a record writes of numbers what it writes.
@_exported import Elements
