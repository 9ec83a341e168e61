import Bytes
import Linux
import Report
import TLS

/// The program `cordon-client`.
public enum ClientProgram {
  /// The largest file of credentials that is read, in bytes.
  private static let largestFile = 1 << 20

  /// Does what the command line asks for; answers go to the standard output, complaints to the
  /// standard error.
  public static func run(_ words: [Text]) -> ExitStatus {
    let arguments: Arguments
    do throws(Mistake) { arguments = try Arguments(words) } catch {
      complain(error.text + " (cordon-client --help)")
      return .usage
    }
    switch arguments {
    case .help:
      StandardStream.output.write(usage)
      return .done
    case .version:
      StandardStream.output.write("cordon-client " + Software.version + "\n")
      return .done
    case .call(let call):
      return told(carryOut(call), isJSON: call.isJSON)
    case .listen(let listening):
      return told(carryOut(listening), isJSON: listening.isJSON)
    case .order(let order, let words):
      let (status, complaint) = ControlPacket.carryOut(order, words: words) {
        StandardStream.output.write($0)
      }
      if !complaint.isEmpty { complain(complaint) }
      return status
    }
  }

  private static func told(_ ending: Ending, isJSON: Bool) -> ExitStatus {
    if isJSON { StandardStream.output.write(ending.jsonLine) }
    if !ending.text.isEmpty { complain(ending.text) }
    return ending.status
  }

  private static func carryOut(_ listening: Listening) -> Ending {
    do throws(Ending) {
      let credentials = try credentials(listening.proof)
      guard let digest = credentials.identityDigest else {
        return .failed("the file of --certificate holds no certificate in PEM")
      }
      let cuid = listening.cuid ?? recommendedCuid(digest: digest)
      switch listening.purpose {
      case .once(let command):
        let printer = Printer(isJSON: listening.isJSON)
        return try Waiter(
          listening,
          command,
          credentials,
          cuid: cuid,
          show: { printer.show($0) }
        ).run()
      case .serve(let path):
        return try Service(listening, control: path, credentials, cuid: cuid).run()
      }
    } catch {
      return error
    }
  }

  private static func carryOut(_ call: Call) -> Ending {
    do throws(Ending) {
      let credentials = try credentials(call.proof)
      guard let digest = credentials.identityDigest else {
        return .failed("the file of --certificate holds no certificate in PEM")
      }
      let printer = Printer(isJSON: call.isJSON)
      var call = call
      var redirections = Redirections()
      while true {
        let caller = try Caller(
          call,
          credentials,
          cuid: call.cuid ?? recommendedCuid(digest: digest),
          memory: memory(call.ticketFile),
          show: { printer.show($0) }
        )
        let ending = caller.run()
        if let path = call.ticketFile, let remembered = caller.remembered {
          keep(remembered, at: path)
        }
        guard case .refused(_, let refused) = ending, let server = refused.alternate,
          var next = redirections.next(after: refused, of: call, now: Clock.now)
        else { return ending }
        // A ticket is of the server that the user named.
        next.ticketFile = nil
        printer.show(.redirected(server, seconds: refused.retryAfter))
        call = next
      }
    } catch {
      return error
    }
  }

  private static func credentials(_ proof: Call.Proof) throws(Ending) -> Credentials {
    switch proof {
    case .certificate(let chain, let key, let trust):
      return Credentials(
        certificateChain: try contents(of: chain),
        privateKey: try contents(of: key),
        trust: try contents(of: trust)
      )
    case .presharedKey(let identity, let file):
      let key = Text(try contents(of: file)).withoutWhiteSpaceAround
      return Credentials(presharedKeys: [PresharedKey(identity: identity, key: key.bytes)])
    }
  }

  private static func contents(of path: Text) throws(Ending) -> [UInt8] {
    do throws(SystemError) { return try File.contents(of: path, limit: largestFile) } catch {
      throw .failed("\(path) can't be read: \(error)")
    }
  }

  /// What an earlier call left; nothing is no fault.
  private static func memory(_ path: Text?) -> Memory? {
    guard let path, let bytes = try? File.contents(of: path, limit: Memory.longest) else {
      return nil
    }
    return Memory(parsing: bytes)
  }

  private static func keep(_ memory: Memory, at path: Text) {
    do throws(SystemError) { try File.replace(path, with: memory.encoded) } catch {
      complain("\(path) can't be written: \(error)")
    }
  }

  private static func complain(_ text: Text) {
    StandardStream.error.write("cordon-client: " + text.printable + "\n")
  }
}

/// Writes answers to the standard output.
private final class Printer {
  private let isJSON: Bool
  private var isFirst = true

  init(isJSON: Bool) { self.isJSON = isJSON }

  func show(_ answer: ClientAnswer) {
    defer { isFirst = false }
    if isJSON {
      StandardStream.output.write(answer.jsonLine)
      return
    }
    let style = TextStyle(isColoured: StandardStream.output.wantsColour, now: Clock.wall)
    // An empty line between two states, as between two blocks.
    StandardStream.output.write(isFirst ? answer.text(style) : "\n" + answer.text(style))
  }
}

extension Text {
  /// The text without spaces and line breaks at both ends.
  fileprivate var withoutWhiteSpaceAround: Text {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    guard let first = bytes.firstIndex(where: { !isSpace($0) }),
      let last = bytes.lastIndex(where: { !isSpace($0) })
    else { return "" }
    return Text([UInt8](bytes[first...last]))
  }
}
