import Bytes
import CoAP
import TestSupport
import Testing

private let wellFormed = [
  "f01", "f02", "f03", "f04", "f05", "f06", "f07", "f08", "f09", "f10", "f11", "f15", "f16",
]
private let malformed = ["f12", "f13", "f14"]

@Test("a well-formed vector is written as the same bytes", arguments: wellFormed)
func reencoding(name: String) throws {
  let bytes = try vector(name)
  #expect(try CoAPDatagram(parsing: bytes).encoded == bytes)
}

@Test("the heartbeat vector says what RFC 9132, Figure 27 shows")
func heartbeat() throws {
  let datagram = try CoAPDatagram(parsing: vector("f01"))
  #expect(datagram.type == .nonConfirmable && datagram.messageID == 0x1234)
  #expect(datagram.message.code == .put && datagram.message.token == [0x4A])
  #expect(datagram.message.uriPath == [".well-known", "dots", "hb"])
  #expect(datagram.message.contentFormat == 271)
  #expect(try datagram.message.payload == bytes("a11831a11833f5"))
}

@Test("the options of the vectors are read")
func vectorOptions() throws {
  #expect(try CoAPDatagram(parsing: vector("f04")).message.observe == 0)
  #expect(try CoAPDatagram(parsing: vector("f05")).message.ifMatch == [[]])
  #expect(try CoAPDatagram(parsing: vector("f15")).message.hopLimit == 16)
  #expect(try CoAPDatagram(parsing: vector("f16")).message.hopLimit == 0)
  let path = try CoAPDatagram(parsing: vector("f03")).message.uriPath
  #expect(path.suffix(2) == ["cuid=dz6pHjaADkaFTbjr0JGBpw", "mid=123"])
}

@Test("COAP-01 another version is unreadable")
func version() throws {
  #expect(refusal(try vector("f14")) == .unreadable)
  #expect(refusal(try bytes("00011234")) == .unreadable)
  #expect(refusal(try bytes("c0011234")) == .unreadable)
}

@Test("COAP-02 malformed messages name their fault, type and id")
func faults() throws {
  let cases: [(String, CoAPFault)] = [
    ("4901123d000000000000000000", .tokenLength), ("4f01123d", .tokenLength),
    ("4201123daa", .truncated), ("4001123db2aa", .truncated), ("4001123dd0", .truncated),
    ("4001123de000", .truncated), ("4001123d0d", .truncated), ("4001123df0", .optionNibble),
    ("4001123d0f", .optionNibble), ("4001123de0fff2 10", .optionNumber),
    ("4001123dff", .emptyPayload), ("4020123d", .code), ("40c0123d", .code), ("40e1123d", .code),
  ]
  for (hexadecimal, fault) in cases {
    let expected = CoAPFormatError.malformed(.confirmable, messageID: 0x123D, fault)
    #expect(try refusal(bytes(hexadecimal)) == expected, "\(hexadecimal)")
  }
}

@Test("COAP-02 a request in an acknowledgement and anything in a reset are malformed")
func codesByType() throws {
  for hexadecimal in ["60011234", "70011234", "70441234"] {
    guard case .malformed(_, 0x1234, .code) = refusal(try bytes(hexadecimal)) else {
      Issue.record("\(hexadecimal) is accepted")
      return
    }
  }
}

@Test("COAP-03 an empty message of more than four bytes is malformed")
func longEmptyMessage() throws {
  for hexadecimal in ["40001234ff", "4100123401", "6000123410", "40001234b161"] {
    guard case .malformed(_, 0x1234, .emptyMessage) = refusal(try bytes(hexadecimal)) else {
      Issue.record("\(hexadecimal) is accepted")
      return
    }
  }
  #expect(refusal(try bytes("50001234")) == .malformed(.nonConfirmable, messageID: 0x1234, .code))
}

@Test("COAP-16 tokens of 0 to 8 bytes are kept unchanged")
func tokens() throws {
  for count in 0...8 {
    let token = [UInt8](repeating: 0xFF, count: count)
    let parsed = try CoAPDatagram(parsing: request(.confirmable, token: token))
    #expect(parsed.message.token == token)
  }
}

@Test("more options than the limit are refused")
func optionLimit() throws {
  let limit = CoAPMessage.maximumOptions
  let header = try bytes("40011234")
  #expect(refusal(header + [UInt8](repeating: 0xB0, count: 1)) == nil)
  #expect(refusal(header + [0xB0] + [UInt8](repeating: 0, count: limit - 1)) == nil)
  #expect(
    refusal(header + [0xB0] + [UInt8](repeating: 0, count: limit))
      == .malformed(.confirmable, messageID: 0x1234, .tooManyOptions)
  )
}

@Test("a datagram larger than the limit is refused")
func sizeLimit() throws {
  let header = try bytes("40031234ff")
  let payload = [UInt8](repeating: 1, count: CoAPDatagram.maximumSize - header.count)
  #expect(refusal(header + payload) == nil)
  #expect(
    refusal(header + payload + [1]) == .malformed(.confirmable, messageID: 0x1234, .tooLarge)
  )
}

@Test("option numbers and lengths survive at the edges of their encodings")
func optionEdges() throws {
  let lengths = [0, 1, 12, 13, 14, 268, 269, 270, 1034]
  for number: UInt16 in [0, 1, 12, 13, 14, 268, 269, 270, 65_535] {
    for length in lengths {
      let option = CoAPOption(CoAPOptionNumber(number), [UInt8](repeating: 7, count: length))
      let message = CoAPMessage(.get, options: [option, CoAPOption(option.number, [1])])
      let datagram = CoAPDatagram(.confirmable, messageID: 1, message)
      #expect(try CoAPDatagram(parsing: datagram.encoded) == datagram)
    }
  }
}

@Test("a truncated vector is an error, or a shorter message that is written as its bytes")
func truncations() throws {
  for name in wellFormed + malformed {
    let whole = try vector(name)
    for count in 0..<whole.count {
      let part = [UInt8](whole.prefix(count))
      guard let datagram = try? CoAPDatagram(parsing: part) else { continue }
      #expect(datagram.encoded == part, "\(name) to \(count)")
    }
    #expect(refusal([UInt8](whole.prefix(3))) == .unreadable)
  }
}

@Test("a mutated vector is an error or is written as its bytes", arguments: wellFormed + malformed)
func mutations(name: String) throws {
  let whole = try vector(name)
  let seed: UInt64 = 0xF00D
  var random = SeededGenerator(seed: seed)
  for _ in 0..<10_000 {
    var mutated = whole
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      let index = Int.random(in: 0..<mutated.count, using: &random)
      switch Int.random(in: 0..<3, using: &random) {
      case 0: mutated.insert(.random(in: 0...255, using: &random), at: index)
      case 1 where mutated.count > 1: mutated.remove(at: index)
      default: mutated[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      }
    }
    guard let datagram = try? CoAPDatagram(parsing: mutated) else { continue }
    try #require(datagram.encoded == mutated, "\(name), seed \(seed)")
    let session = layer()
    _ = session.received(mutated, now: at(0))
    _ = session.timedOut(now: at(5))
  }
}
