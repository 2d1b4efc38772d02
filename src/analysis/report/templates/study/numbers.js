parent.postMessage(document.getElementById("numbers").textContent, "*");
