import Bytes
import CoAP
import TestSupport
import Testing

private func fault(_ bytes: [UInt8]) -> CoAPFault? {
  var reader = FrameReader()
  reader.append(bytes)
  do throws(CoAPFault) {
    while try reader.next() != nil {}
    return nil
  } catch {
    return error
  }
}

private let lengths = [0, 1, 12, 13, 14, 268, 269, 270, 1000, 16_384]

@Test("TCP-01 the frames of RFC 8323 are read and written", arguments: 20...29)
func frameVectors(number: Int) throws {
  let frame = try vector("f\(number)")
  let read = try messages(in: frame)
  #expect(read.count == 1 && read.flatMap { $0.frame } == frame)
}

@Test("TCP-01 the example of RFC 8323, Figure 5, is a 2.03 with a token of one byte")
func frameFigure() throws {
  #expect(try messages(in: bytes("01437f")) == [CoAPMessage(.valid, token: [0x7F])])
}

@Test("TCP-01 length and header of a frame are as the extended length says", arguments: lengths)
func frameLengths(length: Int) throws {
  // The payload marker counts.
  let payload = [UInt8](repeating: 1, count: max(0, length - 1))
  let message = CoAPMessage(.content, token: [1, 2], payload: length < 2 ? [] : payload)
  let frame = message.frame
  let header = length < 13 ? 1 : length < 269 ? 2 : 3
  let content = length < 2 ? 0 : length
  #expect(frame.count == header + 1 + 2 + content)
  #expect(try messages(in: frame) == [message])
}

@Test("TCP-01 a frame in any portions is read once it is whole", arguments: lengths)
func framePortions(length: Int) throws {
  let message = CoAPMessage(.put, token: [9], payload: body(max(1, length - 1)))
  var reader = FrameReader()
  for byte in message.frame.dropLast() {
    reader.append([byte])
    try #require(try reader.next() == nil)
  }
  reader.append(Array(message.frame.suffix(1)))
  #expect(try reader.next() == message)
  #expect(try reader.next() == nil)
}

@Test("TCP-01 no truncation of a frame is a message", arguments: 20...29)
func frameTruncations(number: Int) throws {
  let frame = try vector("f\(number)")
  for count in 0..<frame.count {
    var reader = FrameReader()
    reader.append(Array(frame.prefix(count)))
    #expect(try reader.next() == nil)
  }
}

@Test("TCP-01 several frames of one portion are read one after the other")
func framesTogether() throws {
  let all = [message(token: [1]), message(.put, payload: body(300)), CoAPMessage(.empty)]
  #expect(try messages(in: all.flatMap { $0.frame }) == all)
}

@Test("TCP-02 a frame over the limit is refused as soon as its length is read")
func frameLimit() throws {
  let most = UInt16(FrameReader.maximumLength - 269)
  var limit: [UInt8] = [0xE0]
  limit.append(bigEndian: most)
  #expect(fault(limit) == nil)
  var over: [UInt8] = [0xE0]
  over.append(bigEndian: most + 1)
  #expect(fault(over) == nil)
  #expect(fault(over + [0x45]) == .tooLarge)
  #expect(try fault(bytes("f0ffffffff45")) == .tooLarge)
  #expect(try fault(bytes("f00000000045")) == .tooLarge)
}

@Test("TCP-02 a token of 9 to 15 bytes is refused", arguments: 9...15 as ClosedRange<UInt8>)
func frameToken(length: UInt8) { #expect(fault([length]) == .tokenLength) }

@Test("TCP-02 malformed options and an empty payload are refused")
func frameContent() throws {
  #expect(try fault(bytes("1045ff")) == .emptyPayload)
  #expect(try fault(bytes("1045f0")) == .optionNibble)
  #expect(try fault(bytes("104502")) == .truncated)
}

@Test("random bytes give messages or a fault", arguments: 1...200 as ClosedRange<UInt64>)
func frameNoise(seed: UInt64) throws {
  var random = SeededGenerator(seed: seed)
  var reader = FrameReader()
  do {
    for _ in 0..<50 {
      let count = Int.random(in: 0...40, using: &random)
      reader.append((0..<count).map { _ in .random(in: 0...255, using: &random) })
      while let read = try reader.next() {
        #expect(try messages(in: read.frame) == [read], "seed \(seed)")
      }
    }
  } catch let fault as CoAPFault {
    #expect(fault != .code && fault != .emptyMessage, "seed \(seed)")
  }
}

@Test("random messages come through a frame", arguments: 1...300 as ClosedRange<UInt64>)
func frameRoundTrip(seed: UInt64) throws {
  var random = SeededGenerator(seed: seed)
  func some(_ most: Int) -> [UInt8] {
    (0..<Int.random(in: 0...most, using: &random)).map { _ in .random(in: 0...255, using: &random) }
  }
  let options = (0..<Int.random(in: 0...6, using: &random)).map { _ in
    CoAPOption(CoAPOptionNumber(.random(in: 1...2000, using: &random)), some(300))
  }
  let code = CoAPCode(rawValue: .random(in: 0...255, using: &random))
  let message = CoAPMessage(code, token: some(8), options: options, payload: some(2000))
  #expect(try messages(in: message.frame) == [message], "seed \(seed)")
}
