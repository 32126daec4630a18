#!/usr/bin/perl
# odd-tree.pl DIR FILES SEED: makes a tree that holds everything a share must carry: so many plain
# files, odd names, deep folders, a sparse file past 4 GiB, links of all kinds. What a share does not
# show unchanged has a name that begins with "aside".
use strict;
use warnings;

my ($dir, $files, $seed) = @ARGV;
srand($seed);
mkdir $dir or -d $dir or die "$dir: $!";
chdir $dir or die "$dir: $!";

my $random = join '', map { pack 'L', int rand 4294967296 } 1 .. 262_144;

sub bytes {
  my ($length) = @_;
  return substr $random, int(rand(length($random) - $length)), $length;
}

sub file {
  my ($name, $content) = @_;
  open my $out, '>', $name or die "$name: $!";
  binmode $out;
  print $out $content or die "$name: $!";
  close $out or die "$name: $!";
}

mkdir 'plain';
my $made = 0;
for (my $folder = 0; $made < $files; $folder++) {
  mkdir "plain/$folder";
  for (my $i = 0; $i < 100 && $made < $files; $i++, $made++) {
    my $name = "plain/$folder/$i";
    file($name, bytes(int rand($i % 20 ? 4_000 : 60_000)));
    chmod((0644, 0600, 0755, 0400, 0777)[$i % 5], $name) if $i % 3 == 0;
  }
}

# Sizes around each border the bytes are cut at.
mkdir 'sizes';
for my $border (0, 1, 1024, 4096, 16_384, 131_072, 262_144) {
  for my $around (-1, 0, 1) {
    my $size = $border + $around;
    file("sizes/$size", bytes($size)) if $size >= 0;
  }
}
file('sizes/large', join '', map { bytes(1_000_003) } 1 .. 12);

mkdir 'names';
for my $name (
  "new\nline", "tab\there", " leading space", "trailing space ", "-leading-dash", "--help",
  "quote'", 'quote"', 'back\\slash', '*?[glob]', '$dollar', '`tick`', '%41', '#hash', 'colon:here',
  "\xff\xfe invalid", "caf\xc3\xa9", "cafe\xcc\x81", "\xe6\x97\xa5\xe6\x9c\xac", "\x01\x1b[31m control",
  'x' x 255, "\xc3\xa9" x 127, '...', '..a', '.hidden', ' '
) {
  file("names/$name", "content of a file with an odd name\n");
}
mkdir "names/folder\nwith newline";
file("names/folder\nwith newline/\xff", 'inside');
mkdir 'names/-rf';
file('names/-rf/f', 'inside');
mkdir 'names/empty';

my $deep = 'deep';
mkdir $deep;
for my $level (1 .. 100) {
  $deep .= "/$level";
  mkdir $deep;
  file("$deep/f", "level $level\n") if $level % 10 == 0;
}

open my $sparse, '>', 'sparse' or die $!;
binmode $sparse;
for my $at (0, 4_294_967_296 - 5, 6_442_450_944 - 11) {
  seek $sparse, $at, 0;
  print $sparse 'eleven byte';
}
close $sparse or die $!;

mkdir 'links';
file('links/target', 'the target of links');
link 'links/target', 'links/hard' or die $!;
link 'links/target', 'plain/hard' or die $!;
symlink 'target', 'links/same-folder';
symlink './target', 'links/dot';
symlink '../sizes/1024', 'links/up-and-down';
symlink '..', 'links/root';
symlink 'nowhere', 'links/dangling';
symlink '../names', 'links/folder';
symlink "../names/new\nline", "links/odd\ntarget";

symlink '/etc/hostname', 'links/aside-absolute';
symlink '../../outside', 'links/aside-escaping';
symlink 'target/../../x/../..', 'links/aside-dots-inside';
system 'mkfifo', 'aside-fifo';
file('aside-setid', 'set-id bits are stripped');
chmod 06755, 'aside-setid';
mkdir 'aside-sticky';
chmod 01777, 'aside-sticky';

system 'touch', '-h', '-d', '1960-02-29 12:00:00.123456789Z', 'sizes/1';
system 'touch', '-h', '-d', '2100-01-01 00:00:00.999999999Z', 'sizes/1024';
system 'touch', '-h', '-d', '2001-02-03 04:05:06.000000001Z', 'links/dangling', 'names/empty';
