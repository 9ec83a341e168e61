import Bytes
import HTTP
import TestSupport
import Testing

func progress(_ text: String) -> HTTPRequestReader.Progress {
  var reader = HTTPRequestReader()
  return reader.receive([UInt8](text.utf8))
}

func fault(_ text: String) -> HTTPFault? {
  if case .refused(let fault) = progress(text) { fault } else { nil }
}

func request(_ text: String) -> HTTPRequest? {
  if case .request(let request) = progress(text) { request } else { nil }
}

/// A GET of `/` with these lines in its header section.
func get(_ lines: String...) -> String {
  "GET / HTTP/1.1\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
}

private let post =
  "POST /check?lang=de HTTP/1.1\r\nHost: 192.168.1.1:8646\r\nContent-Length: 7\r\n\r\ntoken=a"

@Test("a GET is read with path, query, host and fields")
func getRequest() throws {
  let read = try #require(
    request(
      "GET /a%20b?lang=de&x HTTP/1.1\r\nHOST: Router.LAN:8646 \r\nAccept:\t text/html\r\n\r\n"
    )
  )
  #expect(read.method == .get)
  #expect(read.path == "/a%20b")
  #expect(read.query == "lang=de&x")
  #expect(read.host == "router.lan:8646")
  #expect(read.fields == [HTTPField("accept", "text/html")])
  #expect(read.body.isEmpty)
}

@Test("a POST is read with its body")
func postBody() throws {
  let read = try #require(request(post))
  #expect(read.method == .post)
  #expect(Text(read.body) == "token=a")
}

@Test("a POST of nothing is complete with its header section")
func emptyPost() {
  #expect(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")?.body == [])
}

@Test("HTTP/1.0 needs no host")
func oldVersion() {
  #expect(request("GET / HTTP/1.0\r\n\r\n")?.host == "")
}

@Test("bytes after the first request are never a second one")
func pipelining() {
  var reader = HTTPRequestReader()
  let second = "POST /release HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
  guard case .request(let first) = reader.receive([UInt8]((get() + second).utf8)) else {
    Issue.record("the first request is whole")
    return
  }
  #expect(first.method == .get)
  #expect(reader.receive([UInt8](second.utf8)) == .incomplete)
}

@Test("after a fault nothing is read any more")
func afterFault() {
  var reader = HTTPRequestReader()
  #expect(reader.receive([0]) == .refused(.badRequest))
  #expect(reader.receive([UInt8](get().utf8)) == .incomplete)
}

@Test(
  "every truncation is incomplete, and byte by byte the same is read",
  arguments: [post, get()]
)
func truncations(text: String) {
  let bytes = [UInt8](text.utf8)
  var slow = HTTPRequestReader()
  for (count, byte) in bytes.dropLast().enumerated() {
    var reader = HTTPRequestReader()
    #expect(reader.receive([UInt8](bytes.prefix(count))) == .incomplete)
    #expect(slow.receive([byte]) == .incomplete)
  }
  #expect(slow.receive([UInt8](bytes.suffix(1))) == progress(text))
  #expect(request(text) != nil)
}

@Test(
  "what is malformed, or could be understood in two ways, is refused with 400",
  arguments: [
    "\r\n\r\n", "GET\r\n", "GET /\r\n", "GET / \r\n", "GET  / HTTP/1.1\r\n", " GET / HTTP/1.1\r\n",
    "GET / HTTP/1.1 \r\n", "GET / http/1.1\r\n", "GET / HTTP/11\r\n", "GET / HTTP/1.1x\r\n",
    "G(T / HTTP/1.1\r\n", "GET a HTTP/1.1\r\n", "GET * HTTP/1.1\r\n", "GET /#x HTTP/1.1\r\n",
    "GET http://evil.example/ HTTP/1.1\r\n", "GET /\u{00E9} HTTP/1.1\r\n", "GET /\0 HTTP/1.1\r\n",
    "GET /\t HTTP/1.1\r\n", "GET / HTTP/1.1\n", "GET /\r HTTP/1.1\r\n", "\u{16}\u{3}\u{1}",
    "GET / HTTP/1.1\r\n\r\n", get("Host: b"), get("Host: a"), get(" folded: 1"), get("A: 1", "\tb"),
    get("A : 1"), get(": 1"), get("A"), get("A: \0"), get("A: \u{7F}"), get("A: 1\rB: 2"),
    get("A: 1\nB: 2"), get("\u{00E9}: 1"), get("Content-Length: 1"), get("Content-Length: 0x0"),
    get("Content-Length: +0"), get("Content-Length: -1"), get("Content-Length:"),
    get("Content-Length: 0", "Content-Length: 0"), get("Content-Length: 0, 0"),
    get("Content-Length: 0 0"), "GET / HTTP/1.1\r\nHost: a/b\r\n",
    "GET / HTTP/1.1\r\nHost: a b\r\n",
    "GET / HTTP/1.1\r\nHost: <a>\r\n", "GET / HTTP/1.1\r\nHost: a@b\r\n",
    "GET / HTTP/1.1\r\nHost: a,b\r\n",
  ]
)
func malformed(text: String) {
  #expect(fault(text) == .badRequest)
}

@Test(
  "each other fault has its status",
  arguments: [
    ("PUT / HTTP/1.1\r\n", 405), ("OPTIONS * HTTP/1.1\r\n", 405), ("get / HTTP/1.1\r\n", 405),
    ("CONNECT evil.example:443 HTTP/1.1\r\n", 405),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505), ("GET / HTTP/0.9\r\n", 505),
    ("GET / HTTP/1.2\r\n", 505), ("GET / HTTP/3.0\r\n", 505),
    (get("Transfer-Encoding: chunked"), 501), (get("transfer-encoding: identity"), 501),
    (get("Expect: 100-continue"), 417),
    ("POST / HTTP/1.1\r\nHost: a\r\n\r\n", 411),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1025\r\n", 413),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n", 413),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 010\r\n", 413),
  ]
)
func otherFaults(text: String, status: Int) {
  #expect(fault(text).map { Int($0.rawValue) } == status)
}

@Test("Content-Length and Transfer-Encoding together are refused in either order")
func smuggling() {
  let head = "POST / HTTP/1.1\r\nHost: a\r\n"
  let chunked = "Transfer-Encoding: chunked\r\n"
  let length = "Content-Length: 5\r\n"
  #expect(fault(head + chunked + length) == .notImplemented)
  #expect(fault(head + length + chunked) == .notImplemented)
}

@Test("the request line, the header section and the number of fields are bounded")
func bounds() {
  func line(_ count: Int) -> String {
    "GET /" + String(repeating: "a", count: count - 14) + " HTTP/1.1"
  }
  let rest = "\r\nHost: a\r\n\r\n"
  #expect(request(line(HTTPLimits.requestLine - 2) + rest) != nil)
  #expect(fault(line(HTTPLimits.requestLine - 1) + rest) == .targetTooLong)
  let long = "A: " + String(repeating: "a", count: 4000)
  #expect(request(get(long)) != nil)
  #expect(fault(get(long, long, long)) == .fieldsTooLarge)
  func fields(_ count: Int) -> String {
    get(String(repeating: "A: b\r\n", count: count - 1) + "A: b")
  }
  #expect(request(fields(HTTPLimits.fields)) != nil)
  #expect(fault(fields(HTTPLimits.fields + 1)) == .fieldsTooLarge)
}

@Test("a line without an end is refused at its limit, not kept")
func endless() {
  var reader = HTTPRequestReader()
  var taken = 0
  while reader.receive([0x41]) == .incomplete, taken < 100_000 { taken += 1 }
  #expect(taken <= HTTPLimits.requestLine)
}

@Test("a body of the limit is read")
func largestBody() {
  let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(HTTPLimits.body)\r\n\r\n"
  let body = String(repeating: "b", count: HTTPLimits.body)
  #expect(request(head + body)?.body.count == HTTPLimits.body)
}

@Test("no mutation of a request traps, and what is read keeps to the rules")
func mutations() {
  let seed: UInt64 = 0x9110
  var random = SeededGenerator(seed: seed)
  let valid = [post, get("Accept: */*", "Accept-Language: de, en;q=0.5")]
  let pieces: [[UInt8]] = [
    [0], [0x0A], [0x0D], [0x0D, 0x0A], [0x20], [0x09], [0x3A], [0xFF], [UInt8]("Host: b\r\n".utf8),
    [UInt8]("Content-Length: 3\r\n".utf8), [UInt8]("\r\n\r\n".utf8),
  ]
  for round in 0..<20_000 {
    var bytes = [UInt8](valid[round % 2].utf8)
    for _ in 0...Int.random(in: 0..<4, using: &random) {
      let index = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<3, using: &random) {
      case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.remove(at: index)
      default:
        let piece = Int.random(in: 0..<pieces.count, using: &random)
        bytes.insert(contentsOf: pieces[piece], at: index)
      }
    }
    var reader = HTTPRequestReader()
    guard case .request(let read) = reader.receive(bytes) else { continue }
    #expect(read.path.hasPrefix("/"), "seed \(seed), round \(round)")
    #expect(read.method == .post || read.body.isEmpty, "seed \(seed), round \(round)")
    #expect(
      read.fields.allSatisfy { field in
        field.value.bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
      },
      "seed \(seed), round \(round)"
    )
  }
}
