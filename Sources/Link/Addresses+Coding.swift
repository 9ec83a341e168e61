import Bytes

extension IPAddress: Coded {
  /// 0.0.0.0.
  public static var blank: IPAddress { IPAddress(v4: 0) }

  /// A byte string of 4 or 16 bytes.
  @inline(never)
  public mutating func code(_ coder: inout some Coder) {
    var bytes = bytes
    coder.bytes(&bytes, limit: 16)
    guard coder.isReading else { return }
    if let address = IPAddress(bytes: bytes) { self = address } else { coder.fail() }
  }
}

extension Prefix: Coded {
  /// Lengths of IPv6 stand behind those of IPv4, 0 to 32.
  private static let firstV6Length = 33

  /// 0.0.0.0/32.
  public static var blank: Prefix { Prefix(host: .blank) }

  /// A byte string: the length, plus 33 for IPv6, and the bytes of the address that count; its host
  /// bits are zero.
  @inline(never)
  public mutating func code(_ coder: inout some Coder) {
    let code = family == .v4 ? length : length + Self.firstV6Length
    var bytes = [UInt8(truncatingIfNeeded: code)]
    for byte in address.bytes where bytes.count <= (length + 7) / 8 { bytes.append(byte) }
    coder.bytes(&bytes, limit: 17)
    guard coder.isReading else { return }
    if let prefix = Prefix(coded: bytes) { self = prefix } else { coder.fail() }
  }

  private init?(coded bytes: [UInt8]) {
    guard let first = bytes.first else { return nil }
    let isV4 = first < Self.firstV6Length
    let length = isV4 ? Int(first) : Int(first) - Self.firstV6Length
    guard length <= 128, bytes.count == 1 + (length + 7) / 8 else { return nil }
    var padded = bytes
    padded.removeFirst()
    while padded.count < (isV4 ? 4 : 16) { padded.append(0) }
    guard let address = IPAddress(bytes: padded),
      let prefix = Prefix(address, length: length), prefix.address == address
    else { return nil }
    self = prefix
  }
}

extension PortSet: Coded {
  /// The lower half of all ports.
  public static var blank: PortSet {
    PortSet(offset: 0, length: 1, number: 0).unsafelyUnwrapped
  }

  /// Offset, length and number in 32 bits.
  public mutating func code(_ coder: inout some Coder) {
    var all = UInt32(offset) << 24 | UInt32(length) << 16 | UInt32(number)
    all.code(&coder)
    guard coder.isReading else { return }
    guard
      let set = PortSet(
        offset: UInt8(truncatingIfNeeded: all >> 24),
        length: UInt8(truncatingIfNeeded: all >> 16),
        number: UInt16(truncatingIfNeeded: all)
      )
    else { return coder.fail() }
    self = set
  }
}

extension PortRange: Coded {
  /// Port 0.
  public static var blank: PortRange { PortRange(0) }

  /// The one port, or the first above the last in 32 bits.
  @inline(never)
  public mutating func code(_ coder: inout some Coder) {
    var both = lower == upper ? UInt32(lower) : UInt32(upper) << 16 | UInt32(lower)
    both.code(&coder)
    guard coder.isReading else { return }
    let first = UInt16(truncatingIfNeeded: both)
    let last = UInt16(both >> 16)
    if last == 0 {
      self = PortRange(first)
    } else if first < last, let range = PortRange(first, last) {
      self = range
    } else {
      coder.fail()
    }
  }
}

extension ICMPTypeRange: Coded {
  /// Type 0.
  public static var blank: ICMPTypeRange { ICMPTypeRange(0) }

  /// The first type above the last in 16 bits.
  @inline(never)
  public mutating func code(_ coder: inout some Coder) {
    var both = UInt16(lower) << 8 | UInt16(upper)
    both.code(&coder)
    guard coder.isReading else { return }
    if let range = ICMPTypeRange(UInt8(both >> 8), UInt8(truncatingIfNeeded: both)) {
      self = range
    } else {
      coder.fail()
    }
  }
}

extension MACAddress: Coded {
  /// 00:00:00:00:00:00.
  public static var blank: MACAddress { MACAddress(0) }

  /// A byte string of six bytes.
  @inline(never)
  public mutating func code(_ coder: inout some Coder) {
    var bytes = bytes
    coder.bytes(&bytes, limit: 6)
    guard coder.isReading else { return }
    if let address = MACAddress(bytes: bytes) { self = address } else { coder.fail() }
  }
}

extension MACPrefix: Coded {
  /// 00.
  public static var blank: MACPrefix { MACPrefix(MACAddress(0)) }

  /// A byte string of one to six bytes.
  @inline(never)
  public mutating func code(_ coder: inout some Coder) {
    var bytes = bytes
    coder.bytes(&bytes, limit: 6)
    guard coder.isReading else { return }
    if let prefix = MACPrefix(bytes: bytes) { self = prefix } else { coder.fail() }
  }
}

extension UnixTime: Coded {
  /// 1970.
  public static var blank: UnixTime { UnixTime(seconds: 0) }

  /// Seconds.
  @inline(never)
  public mutating func code(_ coder: inout some Coder) {
    var seconds = seconds
    seconds.code(&coder)
    self = UnixTime(seconds: seconds)
  }
}

extension Span: Coded {
  /// No time.
  public static var blank: Span { .zero }

  /// Milliseconds, of either sign.
  @inline(never)
  public mutating func code(_ coder: inout some Coder) {
    var milliseconds = milliseconds
    coder.integer(&milliseconds)
    self = Span(milliseconds: milliseconds)
  }
}

extension Instant: Coded {
  /// When the machine started.
  public static var blank: Instant { Instant(milliseconds: 0) }

  /// Milliseconds, of either sign.
  @inline(never)
  public mutating func code(_ coder: inout some Coder) {
    var milliseconds = milliseconds
    coder.integer(&milliseconds)
    self = Instant(milliseconds: milliseconds)
  }
}
