@c(cordond_resolve_main)
func main(
  _ count: CInt,
  _ values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
  launch(count, values)
}
