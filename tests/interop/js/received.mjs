// Prints every message as @google/genai gives it to its caller, one JSON object a line, until the connection is closed.
//
//   node received.mjs developer|express BASE_URL

import {GoogleGenAI} from '@google/genai';

const [service, baseUrl] = process.argv.slice(2);
const ai = new GoogleGenAI({vertexai: service === 'express', apiKey: 'a-key', httpOptions: {baseUrl}});

await ai.live.connect({
  model: 'gemini-live-2.5-flash-preview',
  callbacks: {
    onmessage: (message) => console.log(JSON.stringify(message)),
    onerror: (error) => console.log(JSON.stringify({error: error.message})),
    onclose: (event) => console.log(JSON.stringify({closed: event.code, reason: event.reason})),
  },
});
