import Bytes
import Core
import Model
import Testing

@Test(
  "a device's name says what it is",
  arguments: [
    ("IPCam-0042", .camera), ("front-camera", .camera), ("NVR2", .camera),
    ("HIKVISION-DS2", .camera),
    ("iPhone", .phone), ("Sarahs-iPhone-13", .phone), ("android-1f3d", .phone),
    ("Galaxy-S21", .phone), ("Pixel-7", .phone), ("DESKTOP-4F2K1", .computer),
    ("Toms-MBP-MacBook-Pro", .computer), ("ubuntu", .computer), ("LGwebOSTV", .television),
    ("Chromecast", .television), ("TV55", .television), ("HP12A4F0", .printer),
    ("EPSON5C1A2B", .printer), ("BROTHER-HL", .printer), ("thermostat", .other), ("", .other),
  ] as [(Text, DeviceKind)]
)
func kindByName(name: Text, kind: DeviceKind) {
  #expect(DeviceKind(name: name, vendor: "") == kind)
}

@Test(
  "the maker says it where the name doesn't",
  arguments: [
    ("Hangzhou Hikvision", .camera), ("Axis Communications AB", .camera),
    ("Guangdong OPPO", .phone), ("Dell", .computer), ("Raspberry Pi Foundation", .computer),
    ("Roku", .television), ("Seiko Epson", .printer), ("Samsung", .other), ("Apple", .other),
    ("Hewlett Packard", .other),
  ] as [(Text, DeviceKind)]
)
func kindByMaker(vendor: Text, kind: DeviceKind) {
  #expect(DeviceKind(name: "x1", vendor: vendor) == kind)
}

@Test("the name counts more than the maker")
func nameBeforeMaker() { #expect(DeviceKind(name: "office-printer", vendor: "Dell") == .printer) }

@Test("a short word is none within a longer one")
func shortWords() {
  for name: Text in ["cambridge", "scam", "shpx", "mactan", "tvx", "chp"] {
    #expect(DeviceKind(name: name, vendor: "") == .other)
  }
}
