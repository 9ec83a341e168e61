import Bytes
import Link
import Linux
import Model
import Report

/// The program `cordonctl`.
public enum ControlProgram {
  /// What `--help` says.
  static let usage: Text = """
    Usage: cordonctl [--socket PATH] [--json] COMMAND
      status               how the router is
      mitigations          what is stopped, for whom, until when
      devices              who is in the home, and what holds for each
      why ADDRESS|MAC      why a device is blocked
      quarantine MAC       put a device into quarantine
      release MAC          release a device from quarantine
      code MAC             make a code that releases a device once from its page
      consent ID yes|no    whether a mitigation that the owner is asked about may begin
      metrics              all that is counted, in Prometheus' text format
      watch                what changes with mitigations, a line each, until interrupted
      reload               have cordond read its settings again
      --socket PATH        the control socket of cordond
      --json               answer in JSON
      --version            say which version this is
    Exit status: 0 done, 1 failed, 2 usage, 3 cordond not running, 4 refused, 5 not found,
    6 conflict, 7 timed out.

    """

  /// Does what the command line asks for; answers go to the standard output, complaints to the
  /// standard error.
  public static func run(_ words: [Text]) -> ExitStatus {
    let arguments: Arguments
    do throws(Arguments.Mistake) { arguments = try Arguments(words) } catch {
      complain(error.text + " (cordonctl --help)")
      return .usage
    }
    switch arguments.command {
    case .help:
      StandardStream.output.write(usage)
      return .done
    case .version:
      StandardStream.output.write("cordonctl " + Software.version + "\n")
      return .done
    case .ask, .metrics, .watch:
      do throws(ExchangeFault) {
        try answer(arguments, over: try Exchange.connect(arguments.socket))
        return .done
      } catch {
        complain(error.text)
        return error.status
      }
    }
  }

  private static func answer(
    _ arguments: Arguments,
    over socket: PacketSocket
  ) throws(ExchangeFault) {
    switch arguments.command {
    case .version, .help: break
    case .ask(let command):
      let answer = try Exchange.ask(command, over: socket)
      let style = TextStyle(isColoured: StandardStream.output.wantsColour, now: Clock.wall)
      StandardStream.output.write(arguments.isJSON ? answer.json : answer.text(style))
    case .metrics:
      guard case .status(let status) = try Exchange.ask(.status, over: socket) else {
        throw .broken
      }
      let list = try mitigations(over: socket)
      StandardStream.output.write(Metrics(status, list).lines)
    case .watch:
      var before: [MitigationSummary] = []
      while true {
        let list = try mitigations(over: socket)
        for news in MitigationNews.between(before, list) {
          let now = Clock.wall
          StandardStream.output.write(
            arguments.isJSON ? news.jsonLine(at: now) : news.line(at: now)
          )
        }
        before = list
        try Exchange.rest(beside: socket, for: watchInterval)
      }
    }
  }

  /// How often `watch` looks.
  private static let watchInterval = Span.seconds(1)

  private static func mitigations(
    over socket: PacketSocket
  ) throws(ExchangeFault) -> [MitigationSummary] {
    guard case .mitigations(let list) = try Exchange.ask(.mitigations, over: socket) else {
      throw .broken
    }
    return list
  }

  private static func complain(_ text: Text) {
    StandardStream.error.write("cordonctl: " + text.printable + "\n")
  }
}
