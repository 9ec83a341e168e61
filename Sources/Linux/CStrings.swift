import Bytes

extension Text {
  /// The bytes up to the first zero byte are what C sees of it.
  var characters: [CChar] {
    @inline(never) get { bytes.map { CChar(bitPattern: $0) } + [0] }
  }
}
