import Firewall
import Testing

@Test("an empty firewall has no table")
func emptyFirewall() {
  #expect(Firewall(protection: Protection()).isEmpty)
}
