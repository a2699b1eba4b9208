// Lets the search work in pages that are opened from files. A browser runs no worker from a file, so that the theme's
// search, which is one, runs in a hidden frame instead.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      this.onmessage = null
      const frame = document.createElement("iframe")
      frame.hidden = true
      document.body.append(frame)
      const inside = frame.contentWindow
      inside.postMessage = data => {
        const event = new MessageEvent("message", { data })
        this.dispatchEvent(event)
        this.onmessage?.(event)
      }
      const script = inside.document.createElement("script")
      script.src = new URL(url, location)
      this.loaded = new Promise(resolve => script.addEventListener("load", () => resolve(inside)))
      inside.document.body.append(script)
    }

    postMessage(data) {
      this.loaded.then(inside => {
        const event = new MessageEvent("message", { data })
        inside.dispatchEvent(event)
        inside.onmessage?.(event)
      })
    }

    terminate() {}
  }
}
