import Bytes

/// The value of a Block1 or Block2 option (RFC 7959, Section 2.2).
public struct CoAPBlock: Hashable, Sendable {
  /// Which block it is, counted from 0: 20 bits.
  public let number: UInt32
  /// Whether more blocks follow.
  public let hasMore: Bool
  /// The size exponent: blocks have 2^(4 + exponent) bytes; 7 is reserved on UDP, and on a stream
  /// means several blocks of 1024 bytes (RFC 8323, Section 6).
  public let sizeExponent: UInt8

  /// A block; bits of `number` and `sizeExponent` that don't fit are dropped.
  public init(number: UInt32, hasMore: Bool, sizeExponent: UInt8) {
    self.number = number & 0xF_FFFF
    self.hasMore = hasMore
    self.sizeExponent = sizeExponent & 7
  }

  /// The block that an option means; nil when its value is longer than three bytes.
  public init?(_ option: CoAPOption) {
    guard option.value.count <= 3, let value = option.uint else { return nil }
    self.init(
      number: value >> 4,
      hasMore: value & 8 != 0,
      sizeExponent: UInt8(truncatingIfNeeded: value)
    )
  }

  /// The size of the block in bytes; for the reserved exponent the largest, 1024.
  public var size: Int { 16 << Int(min(sizeExponent, 6)) }

  /// The block as an option.
  public func option(_ number: CoAPOptionNumber) -> CoAPOption {
    CoAPOption(number, uint: self.number << 4 | (hasMore ? 8 : 0) | UInt32(sizeExponent))
  }
}

extension CoAPBlock {
  /// Where the block begins in the body, in bytes.
  var offset: Int { Int(number) * size }

  /// Whether a block that isn't the last may have `count` bytes: its size, or on a stream for the
  /// reserved exponent a multiple of 1024 (RFC 8323, Section 6).
  func isFilled(by count: Int) -> Bool {
    sizeExponent < 7 ? count == size : count > 0 && count % size == 0
  }

  /// The exponent of the largest block of at most `room` bytes, but at most `exponent` and 6.
  static func exponent(fitting room: Int, atMost exponent: UInt8) -> UInt8 {
    var result = min(exponent, 6)
    while result > 0, 16 << Int(result) > room { result -= 1 }
    return result
  }
}

extension CoAPMessage {
  /// What the requests of one transfer in blocks have in common: all but the options that say which
  /// block is meant, and those that are no part of the cache key (RFC 9175, Section 3.3).
  var transferKey: [UInt8] {
    var key = [code.rawValue]
    for option in options {
      switch option.number {
      case .block1, .block2, .observe, .contentFormat: continue
      default:
        if option.number.isNoCacheKey { continue }
        key.append(bigEndian: option.number.rawValue)
        key.append(bigEndian: UInt16(clamping: option.value.count))
        key += option.value
      }
    }
    return key
  }

  /// How many bytes token and options take at most.
  var optionsSize: Int {
    // A header of one byte, and two bytes more for each of delta and length.
    options.reduce(token.count) { $0 + $1.value.count + 5 }
  }

  /// An entity tag of the payload (FNV-1a, 64 bits): another payload has another.
  var payloadTag: CoAPOption {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in payload { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    var value: [UInt8] = []
    value.append(bigEndian: hash)
    return CoAPOption(.eTag, value)
  }
}
