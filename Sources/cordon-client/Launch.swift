import Client
import Linux

/// The executable's one step, beside its C entry: a target of one file would be taken for a script.
func launch(
  _ count: CInt,
  _ values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
  ClientProgram.run(arguments(count, values)).rawValue
}
