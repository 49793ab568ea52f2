'use strict';
/* A scanner in HID-POS mode, by the browser's WebHID. A report has its data's length, an AIM identifier or three NUL,
 * 56 bytes of data, two of the maker's, and whether more follow; some scanners leave the identifier's place out. */
(() => {
  const yima = (globalThis.yima ??= {});
  const SCANNERS = { usagePage: 0x8c };
  const SIZE = 63; // a report without its id
  const GAP_MS = 500;

  /* {data, more} of one report; null: it is none of a scanner, and nothing of it may be taken for data. */
  yima.hidReport = (bytes) => {
    if (bytes.length !== SIZE) return null;
    const hasAim = bytes[1] === 0x5d || !(bytes[1] || bytes[2] || bytes[3]); // ]
    const [header, room] = hasAim ? [4, 56] : [1, SIZE - 2];
    const [length, more] = [bytes[0], bytes[SIZE - 1]];
    if (!length || length > room || more > 1) return null;
    if (!hasAim && bytes.subarray(header + length, SIZE - 1).some(Boolean)) return null; // nothing else marks it
    return { data: bytes.slice(header, header + length), more: more === 1 };
  };

  /* Puts reports together. feed(bytes, now) and silence(now) -> [{payload, first, last, faults}], in milliseconds. A
   * code ends where its own length field says, whatever the reports say of more; all else ends by what they say. */
  yima.HidReports = class {
    constructor() {
      Object.assign(this, { framer: new yima.Framer({ gap: 0, patience: GAP_MS }), more: false, last: 0 });
    }
    feed(bytes, now) {
      const found = this.silence(now);
      const report = yima.hidReport(bytes);
      if (!report) return [...found, ...this.end(['a report that is none of a barcode scanner: dropped'])];
      Object.assign(this, { more: report.more, last: now });
      found.push(...this.framer.feed(report.data, now));
      return report.more ? found : [...found, ...this.framer.silence(now)];
    }
    silence(now) {
      const due = this.more ? this.last + GAP_MS : this.framer.deadline;
      if (due === null || now < due) return [];
      return this.end(this.more ? ['the last report said that more follows'] : []);
    }
    end(faults) {
      this.more = false;
      const [first, ...rest] = this.framer.silence(Infinity);
      return first ? [{ ...first, faults: [...first.faults, ...faults] }, ...rest] : [];
    }
  };

  /* Listens to the device until stop() is called; found gets each payload, ended the reason. */
  yima.watchHid = async (device, found, ended) => {
    await device.open();
    const reports = new yima.HidReports();
    const deliver = (all) => all.forEach((one) => found(one.payload, one.first, one.last, one.faults));
    const onReport = ({ data }) =>
      deliver(reports.feed(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), performance.now()));
    const timer = setInterval(() => deliver(reports.silence(performance.now())), 50);
    const onGone = (event) => {
      if (event.device !== device) return;
      stop();
      ended('unplugged');
    };
    const stop = async () => {
      clearInterval(timer);
      device.removeEventListener('inputreport', onReport);
      navigator.hid.removeEventListener('disconnect', onGone);
      deliver(reports.end(['the scanner went away in the middle']));
      await device.close().catch(() => {});
    };
    device.addEventListener('inputreport', onReport);
    navigator.hid.addEventListener('disconnect', onGone);
    return stop;
  };

  /* The scanner that the person chooses; null: none. */
  yima.chooseHid = async () => (await navigator.hid.requestDevice({ filters: [SCANNERS] }))[0] ?? null;
})();
