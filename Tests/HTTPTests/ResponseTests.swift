import Bytes
import HTTP
import Testing

@Test("an answer says its length, its date and that the connection ends")
func answer() {
  var response = HTTPResponse(HTTPStatus.ok, body: [0x68, 0x69])
  response.add("Content-Type", "text/plain")
  let expected: Text =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    + "Content-Length: 2\r\nConnection: close\r\n\r\n"
  let wall = UnixTime(seconds: 784_111_777)
  #expect(Text(response.bytes(withBody: true, wall: wall)) == expected + "hi")
  #expect(Text(response.bytes(withBody: false, wall: wall)) == expected)
}

@Test("nothing in a value ends its line")
func injection() {
  var response = HTTPResponse(HTTPStatus.found)
  response.add("Location", "/\r\nSet-Cookie: a=b\r\n\r\n<script>\0\u{7F}é")
  let lines = Text(response.bytes(withBody: true, wall: nil)).split(0x0A)
  #expect(lines.count == 6)
  #expect(lines[1] == "Location: /??Set-Cookie: a=b????<script>????\r")
}

@Test(
  "each fault is an answer with its status, a short body, and never cached",
  arguments: HTTPFault.allCases
)
func faults(fault: HTTPFault) {
  let response = HTTPResponse(fault)
  #expect(response.status == fault.rawValue)
  #expect(!response.body.isEmpty)
  #expect(response.fields.contains(HTTPField("Cache-Control", "no-store")))
  #expect(response.fields.contains { $0.name == "Allow" } == (fault == .methodNotAllowed))
}

@Test(
  "dates follow the calendar",
  arguments: [
    (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
    (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
    (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
    (.max, "Fri, 31 Dec 9999 23:59:59 GMT"),
  ] as [(UInt64, Text)]
)
func dates(seconds: UInt64, text: Text) {
  let bytes = HTTPResponse(200).bytes(withBody: true, wall: UnixTime(seconds: seconds))
  #expect(Text(bytes).split(0x0A)[1] == "Date: " + text + "\r")
}
