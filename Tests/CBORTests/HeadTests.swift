import Bytes
import CBOR
import TestSupport
import Testing

/// The heads of items for who reads and writes one by one.
struct HeadTests {
  private static let kinds: [CBORMajorType] = [
    .unsigned, .negative, .bytes, .text, .array, .map, .tag, .simple,
  ]
  private static let arguments: [UInt64] = [
    0, 1, 23, 24, 255, 256, 65_535, 65_536, UInt64(UInt32.max), 1 << 32, .max,
  ]

  @Test("a head is read as it was written, wherever it stands")
  func roundTrip() {
    for kind in Self.kinds {
      for argument in Self.arguments {
        var bytes: [UInt8] = [0xFF, 0xFF]
        bytes.append(cborHead: kind, argument)
        let end = bytes.count
        bytes.append(0)
        var offset = 2
        #expect(bytes.cborHead(kind, at: &offset) == argument)
        #expect(offset == end)
      }
    }
  }

  @Test("a head that is cut off is none")
  func truncated() {
    for argument in Self.arguments {
      var bytes: [UInt8] = []
      bytes.append(cborHead: .text, argument)
      for count in bytes.indices {
        var offset = 0
        #expect([UInt8](bytes.prefix(count)).cborHead(.text, at: &offset) == nil)
      }
    }
  }

  @Test("a head of another kind is not taken")
  func otherKind() {
    for kind in Self.kinds {
      var bytes: [UInt8] = []
      bytes.append(cborHead: kind, 300)
      for other in Self.kinds where other != kind {
        var offset = 0
        #expect(bytes.cborHead(other, at: &offset) == nil)
        #expect(offset == 0)
      }
    }
  }

  @Test("of all heads of two and three bytes, only the shortest are taken")
  func shortest() {
    for first: UInt8 in 0x18...0x1F {
      for low: UInt16 in 0...65_535 where low % 7 == 0 || low < 300 {
        let bytes = [first, UInt8(low >> 8), UInt8(truncatingIfNeeded: low)]
        var offset = 0
        let argument = bytes.cborHead(.unsigned, at: &offset)
        switch first {
        case 0x18: #expect(argument == (bytes[1] < 24 ? nil : UInt64(bytes[1])))
        case 0x19: #expect(argument == (low < 256 ? nil : UInt64(low)))
        default: #expect(argument == nil)
        }
      }
    }
  }

  @Test("an offset outside the bytes gives nothing", arguments: [-1, 1, 2, .max, .min])
  func outside(_ start: Int) {
    var offset = start
    #expect(([0] as [UInt8]).cborHead(.unsigned, at: &offset) == nil)
  }
}
