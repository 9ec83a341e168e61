import Bytes
import Core
import Foundation
import TestSupport
import Testing

/// A table in memory of exactly its size.
private final class Table {
  let memory: UnsafeMutableRawBufferPointer

  init(_ bytes: [UInt8]) {
    memory = .allocate(byteCount: bytes.count, alignment: 1)
    memory.copyBytes(from: bytes)
  }

  deinit { memory.deallocate() }

  var vendors: Vendors? { Vendors(table: UnsafeRawBufferPointer(memory)) }
}

private let registry = URL(fileURLWithPath: "/usr/share/ieee-data")

/// Whether the registry of Debian's package is here; where nothing may be skipped, it has to be.
private let hasRegistry =
  FileManager.default.fileExists(atPath: registry.path)
  || ProcessInfo.processInfo.environment["CI"] == "true"

private let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(
    "packaging/vendors"
  )

/// A new folder for one table.
private func makeFolder() throws -> URL {
  try FileManager.default.url(
    for: .itemReplacementDirectory,
    in: .userDomainMask,
    appropriateFor: FileManager.default.temporaryDirectory,
    create: true
  )
}

/// The table that `packaging/vendors` makes of the files in a folder.
private func table(of folder: URL) throws -> [UInt8] {
  let output = try makeFolder()
  defer { try? FileManager.default.removeItem(at: output) }
  let process = Process()
  process.executableURL = script
  process.arguments = ["--from", folder.path, output.appendingPathComponent("table").path]
  process.standardOutput = FileHandle.nullDevice
  try process.run()
  process.waitUntilExit()
  try #require(process.terminationStatus == 0)
  return [UInt8](try Data(contentsOf: output.appendingPathComponent("table")))
}

/// A registry of three files, each with one entry a pair: prefix and name, as the IEEE writes them.
private func table(_ large: [(String, String)], _ medium: String, _ small: String) throws -> [UInt8]
{
  let folder = try makeFolder()
  defer { try? FileManager.default.removeItem(at: folder) }
  var oui = "OUI/MA-L\tOrganization\r\n"
  for (prefix, name) in large {
    let block = [0, 2, 4].map { prefix.dropFirst($0).prefix(2) }.joined(separator: "-")
    oui +=
      "\r\n\(block)   (hex)\t\t\(name)\r\n\(prefix)     (base 16)\t\t\(name)\r\n\t\tA street\r\n"
  }
  for (file, text) in [("oui.txt", oui), ("mam.txt", medium), ("oui36.txt", small)] {
    try Data(text.utf8).write(to: folder.appendingPathComponent(file))
  }
  return try table(of: folder)
}

/// 200 makers with a gap between each two, some named, and the two kinds of longer prefixes.
private func sample() throws -> [UInt8] {
  var large = [
    ("00000C", "Cisco Systems, Inc"), ("44192C", "Hangzhou Hikvision Digital Technology Co.,Ltd."),
    ("741AE0", "IEEE Registration Authority"), ("FCFBFB", "Cisco Systems, Inc"),
    ("FFFFFF", "The Last, a Company of Nobody"), ("ACDE48", "Private"),
  ]
  for index in 0..<200 {
    large.append((String(format: "%06X", 0x10_0000 + index * 1000), "Maker Number \(index) GmbH"))
  }
  return try table(
    large,
    "74-1A-E0   (hex)\t\tIOG Products LLC\nB00000-BFFFFF     (base 16)\t\tIOG Products LLC\n",
    "70-B3-D5   (hex)\t\tGérätebau\nF2F000-F2FFFF     (base 16)\t\tGérätebau\n"
  )
}

/// The maker in a table.
private func maker(_ mac: Text, in table: [UInt8]) throws -> Text {
  let table = Table(table)
  return try #require(table.vendors).name(of: try #require(MACAddress(parsing: mac)))
}

struct VendorsTests {
  @Test("a maker is found by 24, 28 and 36 bits, first and last ones too")
  func lookup() throws {
    let table = try sample()
    #expect(try maker("00:00:0c:12:34:56", in: table) == "Cisco")
    #expect(try maker("fc:fb:fb:00:00:00", in: table) == "Cisco")
    #expect(try maker("44:19:2c:00:00:01", in: table) == "Hangzhou Hikvision")
    #expect(try maker("74:1a:e0:b0:00:00", in: table) == "IOG Products")
    #expect(try maker("74:1a:e0:bf:ff:ff", in: table) == "IOG Products")
    #expect(try maker("70:b3:d5:f2:ff:ff", in: table) == "Geratebau")
  }

  @Test("each of many makers is found, and nobody between them")
  func blocks() throws {
    let table = try sample()
    for index in 0..<200 {
      let block = UInt64(0x10_0000 + index * 1000)
      let mac = { (block: UInt64) in MACAddress(block << 24 | 7).text }
      guard !MACAddress(block << 24).isRandom else { continue }
      #expect(try maker(mac(block), in: table) == Text("Maker Number \(index)"))
      #expect(try maker(mac(block + 4), in: table).isEmpty)
    }
  }

  @Test("nobody made what the registry doesn't name, or names nobody for")
  func unknown() throws {
    let table = try sample()
    for mac: Text in [
      "00:00:00:00:00:00", "00:00:0d:00:00:00", "74:1a:e0:a0:00:00", "70:b3:d5:f3:00:00",
      "ac:de:48:00:00:00", "fd:00:00:00:00:00",
    ] {
      #expect(try maker(mac, in: table).isEmpty)
    }
  }

  @Test("an address that the device made up has no maker")
  func random() throws { #expect(try maker("ff:ff:ff:00:00:00", in: sample()).isEmpty) }

  @Test("one file of prefixes is a registry too")
  func oneFile() throws {
    let folder = try makeFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("home.txt")
    try Data("44-19-B6   (hex)  Hangzhou Hikvision Digital Technology Co.,Ltd.\n".utf8).write(
      to: file
    )
    #expect(try maker("44:19:b6:01:02:03", in: table(of: file)) == "Hangzhou Hikvision")
  }

  @Test("the same registry gives the same table")
  func reproducible() throws { #expect(try sample() == sample()) }

  @Test("every part of a table is refused, and so is a longer one")
  func truncation() throws {
    let bytes = try sample()
    for count in 0..<bytes.count { #expect(Table([UInt8](bytes.prefix(count))).vendors == nil) }
    #expect(Table(bytes + [0]).vendors == nil)
  }

  @Test("a damaged table gives some name or none, printable and short")
  func mutation() throws {
    let seed: UInt64 = 0x001
    var generator = SeededGenerator(seed: seed)
    let whole = try sample()
    for round in 0..<2000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...40, using: &generator) {
        // Half of the damage where the offsets are.
        let end = Bool.random(using: &generator) ? 400 : bytes.count
        bytes[Int.random(in: 8..<end, using: &generator)] = UInt8.random(
          in: 0...255,
          using: &generator
        )
      }
      let table = Table(bytes)
      let vendors = try #require(table.vendors)
      for value: UInt64 in [0x00000C_000000, 0x44192C_000000, 0x741AE0_B00000, 0x70B3D5_F2F000] {
        let name = vendors.name(of: MACAddress(value))
        #expect(name.count <= 63, "seed \(seed), round \(round)")
        #expect(
          name.bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F },
          "seed \(seed), round \(round)"
        )
      }
    }
  }

  @Test("a pair of a damaged table that stands for itself ends")
  func endlessPair() throws {
    var bytes = try sample()
    for index in 36..<292 { bytes[index] = 0xFF }
    let table = Table(bytes)
    #expect(try #require(table.vendors).name(of: MACAddress(0x44192C_000000)).count <= 63)
  }

  @Test(
    "the registry of the IEEE names known makers, in less than 400 KB",
    .enabled(if: hasRegistry, "needs the package ieee-data")
  )
  func wholeRegistry() throws {
    let bytes = try table(of: registry)
    #expect(bytes.count <= 400_000)
    #expect(try maker("00:00:0c:00:00:01", in: bytes) == "Cisco")
    #expect(try maker("44:19:b6:00:00:01", in: bytes) == "Hangzhou Hikvision")
    #expect(try maker("b8:27:eb:00:00:01", in: bytes) == "Raspberry Pi Foundation")
    #expect(try maker("70:b3:d5:71:90:01", in: bytes) == "2M Technology")
  }
}
