import Bytes
import HTTP
import Testing

private func request(_ name: Text, _ value: Text) -> HTTPRequest {
  HTTPRequest(method: .get, path: "/", host: "a", fields: [HTTPField(name, value)])
}

@Test(
  "Accept is matched by media range, the most specific first, with its quality",
  arguments: [
    ("text/html", 1000), ("*/*", 1000), ("text/*;q=0.5", 500), ("text/html;q=0.8,*/*;q=1", 800),
    ("*/*;q=1, text/html;q=0", 0), ("application/json", 0), ("TEXT/HTML; Q=0.25", 250),
    ("text/html;charset=utf-8", 1000), ("text/html;q=0.123", 123), ("image/*,text/*;q=0.1", 100),
    ("", 1000), (",,", 1000), ("text/html;q=2", 1000), ("text/html;q=2,a/b", 0),
    ("text/html;q=1.001,a/b", 0), ("text/html;q=.5,a/b", 0), ("text/html;q=0.1234,a/b", 0),
    ("text/html;q=,a/b", 0), ("text/htmlx", 0), ("*/html", 0), ("*", 0),
  ] as [(Text, Int)]
)
func accept(value: Text, quality: Int) {
  #expect(request("accept", value).acceptance(of: "text", "html") == quality)
}

@Test("without Accept everything is accepted")
func noAccept() {
  #expect(HTTPRequest(method: .get, path: "/", host: "a").acceptance(of: "a", "b") == 1000)
}

@Test(
  "the language of the highest quality wins, the first of equals, by its primary subtag",
  arguments: [
    ("de", 1), ("de-AT", 1), ("DE-de, en;q=0.9", 1), ("en;q=0.5, de;q=0.7", 1), ("en, de", 0),
    ("ja;q=0.9, de;q=0.8, *;q=0.1", 1), ("*", 0), ("de;q=0", nil), ("ja", nil), ("", nil),
    ("deu", nil), ("de;q=x", nil),
  ] as [(Text, Int?)]
)
func language(value: Text, index: Int?) {
  #expect(request("accept-language", value).preferredLanguage(among: ["en", "de"]) == index)
}

@Test("several fields of a name are one list")
func joined() {
  var asked = request("accept", "a/b")
  asked.fields.append(HTTPField("accept", "c/d"))
  #expect(asked.value(of: "accept") == "a/b, c/d")
  #expect(asked.value(of: "origin") == nil)
}

@Test(
  "a form's value is decoded, or nothing",
  arguments: [
    ("a=1", "1"), ("b=2&a=1", "1"), ("a=x+y%2B%c3%A9", "x y+é"), ("a=", ""), ("", nil), ("a", nil),
    ("b=1", nil), ("a=1&a=1", nil), ("a=%", nil), ("a=%4", nil), ("a=%zz", nil), ("a=1=2", nil),
    ("A=1", nil), ("%61=1", nil),
  ] as [(Text, Text?)]
)
func form(body: Text, value: Text?) {
  #expect(formValue(of: "a", in: body) == value)
}

@Test("a form's fields and values are bounded")
func formBounds() {
  let many = Text(String(repeating: "b=1&", count: 16))
  #expect(formValue(of: "a", in: many + "a=1") == nil)
  #expect(formValue(of: "a", in: "a=" + Text(String(repeating: "x", count: 128)))?.count == 128)
  #expect(formValue(of: "a", in: "a=" + Text(String(repeating: "x", count: 129))) == nil)
}
