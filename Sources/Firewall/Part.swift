import Bytes

/// A chain but those of mitigations, or a set, with what is always in it.
final class Part: Sendable {
  /// Its name.
  let name: Text
  /// What makes it.
  let making: Operation
  /// What fills it: rules, or a set's blocks.
  let content: [Operation]

  /// A chain.
  init(chain name: Text, _ attachment: Attachment?, _ rules: [Text]) {
    self.name = name
    making = .addChain(name, attachment)
    content = rules.map { .addRule(chain: name, $0) }
  }

  /// A set or map; `blocks` in ascending order.
  init(set name: Text, _ key: KeyType, _ content: SetContent, blocks: [Prefix] = []) {
    self.name = name
    making = .addSet(name, key: key, content)
    var elements: [Operation] = []
    var last: Prefix?
    // A block within another is none.
    for block in blocks where last?.contains(block) != true {
      last = block
      elements.append(
        .addElement(
          set: name,
          key: block.address.bytes,
          .block(endsBefore: block.lastAddress.bytesAfter),
          timeout: .zero
        )
      )
    }
    self.content = elements
  }

  private var isChain: Bool { making.kind == .addChain }

  /// What empties it.
  var emptying: Operation {
    isChain ? .flushChain(name) : .deleteElement(set: name, key: [])
  }

  /// What removes it.
  var removing: Operation { isChain ? .deleteChain(name) : .deleteSet(name) }
}

extension Part {
  /// The chains that a text lists, each with its rules on the lines after a line with its name.
  ///
  ///     chain NAME
  ///     chain NAME filter|nat HOOK PRIORITY
  ///
  /// A chain of the second form sees packets. Empty lines mean nothing.
  static func chains(_ text: Text) -> [Part] {
    var chains: [Part] = []
    var head: [Text] = []
    var rules: [Text] = []
    for line in (text + "\nchain").split(0x0A) where !line.isEmpty {
      let words = line.split(0x20)
      if words[0] != "chain" {
        rules.append(line)
        continue
      }
      if head.count > 1 { chains.append(Part(chain: head[1], Attachment(head), rules)) }
      head = words
      rules = []
    }
    return chains
  }
}

extension Attachment {
  /// What follows the name of a chain; nil when nothing does.
  fileprivate init?(_ words: [Text]) {
    guard words.count == 5, let number = words[4].dropFirst(1).decimal(as: UInt16.self) else {
      return nil
    }
    switch Word(text: words[3]) {
    case "input": hook = .input
    case "forward": hook = .forward
    case "output": hook = .output
    case "postrouting": hook = .postrouting
    default: hook = .prerouting
    }
    priority = words[4].hasPrefix("-") ? -Int32(number) : Int32(number)
    translates = words[2] == "nat"
  }
}

extension IPAddress {
  /// The next address; empty when there is none.
  fileprivate var bytesAfter: [UInt8] {
    var bytes = bytes
    var index = bytes.count
    while index > 0 {
      index -= 1
      bytes[index] &+= 1
      if bytes[index] != 0 { return bytes }
    }
    return []
  }
}
