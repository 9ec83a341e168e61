import Bytes
import Configuration
import Linux
import Model

/// The launcher: reads settings, makes what rooms can't make themselves, and looks after them.
public enum Launcher {
  /// Does what the command line asks for; answers the exit status.
  public static func run(_ arguments: [Text]) -> Int32 {
    let command: Command
    do throws(Command.Mistake) { command = try Command(arguments) } catch {
      StandardStream.error.write("cordond: \(error.text); see --help\n")
      return 2
    }
    switch command {
    case .version: StandardStream.output.write("cordond " + Software.version + "\n")
    case .help: StandardStream.output.write(Command.usage)
    case .check(let file): return check(file ?? Preparation.usualFile)
    case .run(let file): return start(file ?? Preparation.usualFile)
    }
    return 0
  }

  private static func check(_ path: Text) -> Int32 {
    do throws(StartFault) {
      for warning in try Preparation.settings(path).warnings {
        StandardStream.error.write("\(path):\(warning)\n")
      }
      StandardStream.output.write(path + ": the settings can be used\n")
      return 0
    } catch { return report(error) }
  }

  private static func start(_ path: Text) -> Int32 {
    SignalReader.ignoreBrokenPipes()
    FileDescriptor.closeInherited()
    var log = Log(room: "cordond")
    let manager = ServiceManager()
    do throws(StartFault) {
      // Where it isn't wanted nothing that the settings name needs to be there.
      guard try Preparation.settings(path).enabled else {
        log.info("option enabled is 0: nothing to do")
        manager.isReady()
        return 0
      }
      let preparation = try Preparation(path)
      let settings = preparation.settings
      log.level = settings.core.logLevel
      for warning in settings.warnings {
        log.warning("\(path):\(warning)")
      }
      let premises = try Premises(settings, log: log)
      try Supervisor(
        path: path,
        preparation: preparation,
        premises: premises,
        manager: manager,
        log: log
      ).run()
      log.info("stopped")
      return 0
    } catch { return report(error) }
  }

  /// Says what is wrong, in one line that begins with the place in the file where there is one.
  private static func report(_ fault: StartFault) -> Int32 {
    if case .settings = fault {
      StandardStream.error.write(fault.text + "\n")
    } else {
      Log(room: "cordond").error(fault.text)
    }
    return fault.status
  }
}
