# Modules in Perl and in C, those that a static perl has inside.
use strict;
use warnings;
use POSIX qw(floor);
use List::Util qw(sum max);
use Digest::MD5 qw(md5_hex);
use Socket;
use Encode;
use Data::Dumper;
use Time::HiRes;
use Storable;
use File::Temp;

my @numbers = split ' ', <STDIN>;
printf "%d %d %.2f %s\n", sum(@numbers), floor(max(@numbers)), 1.5, md5_hex('abc');
