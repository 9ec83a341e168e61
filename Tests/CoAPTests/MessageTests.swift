import Bytes
import CoAP
import Testing

private func bad(_ options: CoAPOption...) -> CoAPOptionNumber? {
  CoAPMessage(.get, options: options).unrecognizedCriticalOption
}

@Test("a code is spelled class, point, two digits")
func codeText() {
  #expect(CoAPCode.notFound.description == "4.04")
  #expect(CoAPCode.unprocessableEntity.description == "4.22")
  #expect(CoAPCode(2, 31) == .continue && CoAPCode.continue.rawValue == 0x5F)
}

@Test("an unsigned option value has no leading zero bytes, and may come with them")
func unsignedValues() {
  #expect(CoAPOption(.maxAge, uint: 0).value == [])
  #expect(CoAPOption(.contentFormat, uint: 271).value == [1, 15])
  #expect(CoAPOption(.maxAge, uint: .max).value == [255, 255, 255, 255])
  #expect(CoAPOption(.maxAge, [0, 0, 5]).uint == 5)
  #expect(CoAPOption(.maxAge, [0, 0, 0, 0, 5]).uint == nil)
}

@Test("options stand in the order of their numbers and keep the order of repetitions")
func optionOrder() {
  let message = CoAPMessage(
    .get,
    options: [
      CoAPOption(.uriQuery, [1]), CoAPOption(.uriPath, [2]), CoAPOption(.ifMatch, []),
      CoAPOption(.uriPath, [3]),
    ]
  )
  #expect(message.options.map { $0.number.rawValue } == [1, 11, 11, 15])
  #expect(message.uriPath == [Text([2]), Text([3])])
  #expect(message.uriQuery == [Text([1])])
}

@Test("COAP-11 an odd option that isn't understood is named")
func criticalOption() {
  #expect(bad(CoAPOption(CoAPOptionNumber(65_001), [])) == CoAPOptionNumber(65_001))
}

@Test("QB-01 Q-Block1 and Q-Block2 are critical and not understood, Block1 and Block2 are")
func blockOptions() {
  #expect(bad(CoAPOption(.qBlock1, [0])) == .qBlock1)
  #expect(bad(CoAPOption(.qBlock2, [0])) == .qBlock2)
  #expect(bad(CoAPOption(.block1, [0]), CoAPOption(.block2, [0])) == nil)
}

@Test("COAP-12 an even option that isn't understood is ignored")
func electiveOption() {
  #expect(bad(CoAPOption(CoAPOptionNumber(65_000), [1, 2, 3])) == nil)
}

@Test("COAP-20 No-Response is ignored")
func noResponse() { #expect(bad(CoAPOption(CoAPOptionNumber(258), [26])) == nil) }

@Test("COAP-13 a length outside the range makes a known option unrecognised")
func optionLengths() {
  #expect(bad(CoAPOption(.accept, [0, 1, 15])) == .accept)
  #expect(bad(CoAPOption(.ifMatch, [UInt8](repeating: 1, count: 9))) == .ifMatch)
  #expect(bad(CoAPOption(.uriPath, [UInt8](repeating: 1, count: 256))) == .uriPath)
  #expect(bad(CoAPOption(.uriHost, [])) == .uriHost)
  #expect(bad(CoAPOption(.ifNoneMatch, [0])) == .ifNoneMatch)
  #expect(bad(CoAPOption(.contentFormat, [0, 1, 15])) == nil)
}

@Test("COAP-13 an elective option with such a length counts as absent")
func electiveLengths() {
  let message = CoAPMessage(
    .put,
    options: [
      CoAPOption(.contentFormat, [0, 1, 15]), CoAPOption(.observe, [0, 0, 0, 0]),
      CoAPOption(.hopLimit, []), CoAPOption(.maxAge, [0, 0, 0, 0, 1]),
    ]
  )
  #expect(message.contentFormat == nil && message.observe == nil)
  #expect(message.hopLimit == nil && message.maxAge == nil)
}

@Test("COAP-14 a repetition of an option that may occur once counts as unrecognised")
func repeatedOption() {
  #expect(bad(CoAPOption(.accept, [1, 15]), CoAPOption(.accept, [1, 15])) == .accept)
  #expect(bad(CoAPOption(.uriPort, []), CoAPOption(.uriPort, [])) == .uriPort)
  #expect(bad(CoAPOption(.uriPath, [1]), CoAPOption(.uriPath, [1])) == nil)
  #expect(bad(CoAPOption(.ifMatch, [1]), CoAPOption(.ifMatch, [2])) == nil)
  #expect(bad(CoAPOption(.contentFormat, [1]), CoAPOption(.contentFormat, [2])) == nil)
}

@Test("COAP-14 the first of two elective options counts")
func firstElective() {
  let message = CoAPMessage(
    .put,
    options: [CoAPOption(.contentFormat, [1, 15]), CoAPOption(.contentFormat, [60])]
  )
  #expect(message.contentFormat == 271)
}

@Test("BLK-01 a block option has number, more and size")
func blocks() throws {
  let option = CoAPBlock(number: 5, hasMore: true, sizeExponent: 6).option(.block2)
  #expect(option.value == [0x5E])
  let message = CoAPMessage(.get, options: [option, CoAPOption(.block1, [])])
  #expect(message.block2 == CoAPBlock(number: 5, hasMore: true, sizeExponent: 6))
  #expect(message.block2?.size == 1024)
  #expect(message.block1 == CoAPBlock(number: 0, hasMore: false, sizeExponent: 0))
  #expect(CoAPBlock(CoAPOption(.block1, [0, 0, 0, 0])) == nil)
}

@Test("a token that is too long is cut, never written as something else")
func longToken() throws {
  let message = CoAPMessage(.get, token: [UInt8](repeating: 9, count: 12))
  let written = CoAPDatagram(.nonConfirmable, messageID: 1, message).encoded
  #expect(try CoAPDatagram(parsing: written).message.token.count == 8)
}
