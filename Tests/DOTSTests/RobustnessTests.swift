import Bytes
import CoAP
import DOTS
import Model
import TestSupport
import Testing

@Suite("Robustness") struct RobustnessTests {
  static let withBody = Vector.all.filter { !$0.payload.isEmpty }

  /// Reads a payload in place of a vector's own; the bytes of what was read, nil for an error.
  private func read(_ vector: Vector, _ payload: [UInt8]) -> [UInt8]? {
    var message = vector.message
    message.payload = payload
    do throws(PeerError) {
      if vector.kind == "request" || vector.kind == "negative" {
        let request = try DOTSRequest(message, role: vector.role)
        return request.message?.payload
      }
      return try DOTSResponse(message).message.payload
    } catch {
      return nil
    }
  }

  /// One vector is a valid message with a byte too many.
  @Test(
    "CBR-09 every truncation is refused",
    arguments: withBody.filter { $0.file != "81-trailing-bytes.json" }
  )
  func truncations(_ vector: Vector) {
    for count in 0..<vector.payload.count {
      let payload = [UInt8](vector.payload.prefix(count))
      // An empty response is one without a body.
      if count == 0, vector.kind != "request", vector.kind != "negative" { continue }
      #expect(read(vector, payload) == nil, "\(count) bytes")
    }
  }

  @Test("2,000 mutations give an error or a value that is stable", arguments: withBody)
  func mutations(_ vector: Vector) {
    let seed = UInt64(vector.number) &* 1_000_003
    var generator = SeededGenerator(seed: seed)
    for round in 0..<2000 {
      let payload = mutated(vector.payload, &generator)
      guard let first = read(vector, payload), !first.isEmpty else { continue }
      #expect(read(vector, first) == first, "seed \(seed), round \(round)")
    }
  }

  private func mutated(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0...Int.random(in: 0...2, using: &generator) {
      guard let index = bytes.indices.randomElement(using: &generator) else { break }
      switch Int.random(in: 0...4, using: &generator) {
      case 0: bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &generator)
      case 1: bytes[index] = UInt8.random(in: .min ... .max, using: &generator)
      case 2: bytes.insert(UInt8.random(in: .min ... .max, using: &generator), at: index)
      case 3: bytes.remove(at: index)
      default:
        let end = Int.random(in: index..<bytes.count, using: &generator)
        bytes.insert(contentsOf: bytes[index...end], at: index)
      }
    }
    return bytes
  }

  @Test("paths of random bytes give an error or a request") func paths() {
    let seed: UInt64 = 9132
    var generator = SeededGenerator(seed: seed)
    let names = ["cdid=", "cuid=", "mid=", "sid=", "", "hb", "mid"]
    for round in 0..<20_000 {
      var message = request(.get, ["mitigate", "config"].randomElement(using: &generator) ?? "")
      for _ in 0..<Int.random(in: 0...4, using: &generator) {
        var value = [UInt8]((names.randomElement(using: &generator) ?? "").utf8)
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
          value.append(UInt8.random(in: 0x20...0xFF, using: &generator))
        }
        message.add(CoAPOption(.uriPath, value))
      }
      guard let parsed = try? DOTSRequest(message, role: .base) else { continue }
      #expect(parsed.message == message, "seed \(seed), round \(round)")
    }
  }
}
