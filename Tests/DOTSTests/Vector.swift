import Bytes
import CoAP
import DOTS
import Foundation
import Model
import TestSupport
import Testing

/// A worked message from the vectors' folder.
struct Vector: CustomTestStringConvertible, Sendable {
  let number: Int
  let file: String
  let kind: String
  let expect: String
  let role: SessionRole
  let message: CoAPMessage

  var testDescription: String { file }
  var payload: [UInt8] { message.payload }

  /// The vectors with a number, which have a CBOR body or none.
  static let all: [Vector] = {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Vectors")
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return files.sorted().compactMap { file in
      Int(file.prefix(2)).flatMap { try? Vector($0, folder.appendingPathComponent(file)) }
    }
  }()

  /// The vectors of the given numbers.
  static func numbered(_ numbers: [ClosedRange<Int>]) -> [Vector] {
    all.filter { vector in numbers.contains { $0.contains(vector.number) } }
  }

  private init(_ number: Int, _ url: URL) throws {
    let json = try JSONSerialization.jsonObject(with: Data(contentsOf: url))
    let object = try #require(json as? [String: Any])
    self.number = number
    file = url.lastPathComponent
    kind = try #require(object["kind"] as? String)
    expect = object["expect"] as? String ?? ""
    role = object["mode"] as? String == "callhome" ? .callHome : .base
    let methods: [String: CoAPCode] = ["GET": .get, "PUT": .put, "DELETE": .delete]
    let isRequest = kind == "request" || kind == "negative"
    let method = try #require(object["method"] as? String)
    var code = try #require(methods[method])
    if !isRequest {
      let text = try #require(object["code"] as? String)
      code = try Self.code(text)
    }
    var message = CoAPMessage(code)
    message.payload = try Self.bytes(object["cbor_hex"] as? String ?? "")
    if isRequest {
      for segment in try #require(object["path"] as? String).split(separator: "/") {
        message.add(CoAPOption(.uriPath, [UInt8](segment.utf8)))
      }
    }
    Self.addOptions(object["options"] as? [String: Any] ?? [:], to: &message)
    self.message = message
  }

  /// Values that are words, like "chosen by the server", are left out.
  private static func addOptions(_ options: [String: Any], to message: inout CoAPMessage) {
    let numbers: [String: CoAPOptionNumber] = [
      "Content-Format": .contentFormat, "Observe": .observe, "Max-Age": .maxAge,
    ]
    for (name, number) in numbers {
      if let value = options[name] as? Int {
        message.add(CoAPOption(number, uint: UInt32(value)))
      }
    }
    if options["If-Match"] != nil { message.add(CoAPOption(.ifMatch, [])) }
  }

  private static func code(_ text: String) throws -> CoAPCode {
    let parts = text.split(separator: ".").compactMap { UInt8($0) }
    try #require(parts.count == 2)
    return CoAPCode(parts[0], parts[1])
  }

  private static func bytes(_ hexadecimal: String) throws -> [UInt8] {
    try #require(hexadecimalBytes(hexadecimal))
  }
}
