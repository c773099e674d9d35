import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { onPath } from "../../tools/on-path.ts";

/**
 * Programs of a slim Debian: those of its essential packages, without what needs a system that is booted.
 * Source: https://packages.debian.org/trixie/, and the files of each package that is marked as essential there
 */
const debian = `
  arch b2sum base32 base64 basename basenc bash cat chgrp chmod chown cksum cmp comm cp csplit cut dash date dd df diff diff3
  dir dirname dpkg dpkg-deb dpkg-query du echo egrep env expand expr factor false fgrep find fmt fold getconf getent getopt
  grep groups gunzip gzip head hostid hostname iconv id install join ldd link ln locale logname ls md5sum mkdir mkfifo mktemp
  more mv nice nl nohup nproc numfmt od paste perl pr printenv printf ptx pwd readlink realpath rev rm rmdir sdiff sed seq
  setsid sh sha1sum sha224sum sha256sum sha384sum sha512sum shred shuf sleep sort split stat stdbuf stty sum sync tac tail tar
  tee test timeout touch tr true truncate tsort tty uname unexpand uniq unlink users wc which who whoami xargs yes zcat`;

/**
 * Programs that the images of `.gitlab-ci.yml` have, by the image's name.
 * Source: https://github.com/pulumi/pulumi-docker-containers/blob/3.259.0/docker/nodejs/Dockerfile
 */
const imagePrograms: Readonly<Record<string, string>> = {
  "pulumi/pulumi-nodejs-24": `${debian} bun corepack curl git node npm npx openssl pnpm pulumi yarn`,
};

/**
 * Makes a folder with links to the programs that an image has, for a PATH that has nothing else. A program that this machine
 * does not have is left out; a job that needs it fails, as it does for one that the image does not have.
 * @param image - with its tag, or without
 * @param given - paths of programs to take instead of those on PATH
 * @throws Error for an image whose programs are not known
 */
export function linkImagePrograms(folder: string, image: string, given: Readonly<Record<string, string>>): void {
  const programs = imagePrograms[image.replace(/:[^/]*$/, "")];
  if (programs === undefined) {
    throw new Error(`Which programs has the image ${image}? Say so in ${import.meta.filename}.`);
  }
  mkdirSync(folder, { recursive: true });
  for (const program of programs.trim().split(/\s+/)) {
    const path = given[program] ?? onPath(program);
    if (path !== undefined) {
      symlinkSync(path, join(folder, program));
    }
  }
}
