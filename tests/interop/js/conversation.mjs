// Talks to a simulator through @google/genai and prints what happened, one JSON object a line.
//
//   node conversation.mjs developer|vertex|express text|audio BASE_URL

import {GoogleGenAI, Modality} from '@google/genai';
import {OAuth2Client} from 'google-auth-library';

const [service, medium, baseUrl] = process.argv.slice(2);
const RATE = 16000;

function client() {
  const httpOptions = {baseUrl};
  if (service === 'developer') {
    return new GoogleGenAI({apiKey: 'a-key', httpOptions});
  }
  if (service === 'express') {
    return new GoogleGenAI({vertexai: true, apiKey: 'a-key', httpOptions});
  }
  const authClient = new OAuth2Client();
  authClient.setCredentials({access_token: 'a-token', expiry_date: Date.now() + 3_600_000});
  const place = {project: 'p', location: 'us-central1'};
  return new GoogleGenAI({vertexai: true, ...place, googleAuthOptions: {authClient}, httpOptions});
}

function print(event) {
  console.log(JSON.stringify(event));
}

function speech() {
  const samples = new Int16Array(1.5 * RATE);
  for (let n = 0; n < RATE / 2; n++) {
    samples[n] = 8000 * Math.sin((2 * Math.PI * 200 * n) / RATE);
  }
  return Buffer.from(samples.buffer).toString('base64');
}

// The messages of a session, in order; their end is the close of the connection.
class Messages {
  #waiting = [];
  #wake = () => {};

  push(message) {
    this.#waiting.push(message);
    this.#wake();
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      while (this.#waiting.length === 0) {
        await new Promise((resolve) => (this.#wake = resolve));
      }
      const message = this.#waiting.shift();
      if (message === null) {
        return;
      }
      yield message;
    }
  }
}

async function connect(config) {
  const messages = new Messages();
  const session = await client().live.connect({
    model: 'gemini-live-2.5-flash-preview',
    config,
    callbacks: {
      onmessage: (message) => messages.push(message),
      onerror: (error) => print({error: error.message}),
      onclose: () => messages.push(null),
    },
  });
  return {session, messages};
}

async function writeTwice() {
  const {session, messages} = await connect({responseModalities: [Modality.TEXT]});
  const questions = ['Hello there.', 'What is your name?'];
  const ask = () => session.sendClientContent({turns: questions.shift(), turnComplete: true});
  let answer = '';
  ask();
  for await (const message of messages) {
    answer += message.text ?? '';
    if (message.serverContent?.turnComplete) {
      print({answer});
      answer = '';
      questions.length ? ask() : session.close();
    }
  }
}

// Asks, interrupts the answer after its third chunk, and hears the next one out.
async function speakTwice() {
  const {session, messages} = await connect({
    responseModalities: [Modality.AUDIO],
    inputAudioTranscription: {},
    outputAudioTranscription: {},
    sessionResumption: {},
  });
  const speak = () => session.sendRealtimeInput({audio: {data: speech(), mimeType: `audio/pcm;rate=${RATE}`}});
  let [chunks, turns] = [0, 0];
  speak();
  for await (const message of messages) {
    const content = message.serverContent;
    for (const part of content?.modelTurn?.parts ?? []) {
      print({event: 'audio', bytes: Buffer.from(part.inlineData.data, 'base64').length});
      if (++chunks === 3) {
        speak();
      }
    }
    if (content?.inputTranscription?.text) {
      print({heard: content.inputTranscription.text});
    }
    if (content?.outputTranscription?.text) {
      print({said: content.outputTranscription.text});
    }
    if (content?.interrupted) {
      print({event: 'interrupted'});
    }
    if (content?.generationComplete) {
      print({event: 'generation_complete'});
    }
    if (content?.turnComplete) {
      print({event: 'turn_complete', tokens: message.usageMetadata.totalTokenCount});
      turns++;
    }
    if (message.sessionResumptionUpdate?.newHandle) {
      print({event: 'handle'});
      if (turns === 2) {
        session.close();
      }
    }
  }
}

await (medium === 'text' ? writeTwice() : speakTwice());
print({event: 'closed'});
